import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { isKnownTag } from '../http/exchange.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { Operation } from '../openapi/answers.ts';
import { ref } from '../openapi/schema-parts.ts';
import { GetManifest, GetWorkflow, ListVersions } from '../queries/workflow-queries.ts';

@ApiTags('workflows')
@Controller('api/workflows')
export class WorkflowsController {
  readonly #queries: QueryBus;

  constructor(@Inject(QueryBus) queries: QueryBus) {
    this.#queries = queries;
  }

  @Get(':id')
  @Operation({
    id: 'getWorkflow',
    summary: 'A workflow as it is now, with the manifest of its draft',
    answers: { 200: { description: 'Current state', json: 'CurrentWorkflow' } },
    problems: [404, 503],
  })
  get(@Param('id') id: string): Promise<unknown> {
    return this.#queries.execute(new GetWorkflow(id));
  }

  @Get(':id/versions')
  @Operation({
    id: 'listWorkflowVersions',
    summary: 'Published versions, newest first',
    answers: { 200: { description: 'All of them', json: 'VersionList' } },
    problems: [404, 503],
  })
  versions(@Param('id') id: string): Promise<unknown> {
    return this.#queries.execute(new ListVersions(id));
  }

  @Get(':id/versions/:version')
  @Operation({
    id: 'getWorkflowVersion',
    summary: 'The manifest of a published version, as canonical JSON; its digest is the entity tag',
    headers: { 'If-None-Match': 'entity tags that the caller holds' },
    answers: { 200: { description: 'RFC 8785 bytes', content: { 'application/json': ref('Workflow') } }, 304: { description: 'The caller holds it' } },
    problems: [404, 503],
  })
  async version(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') id: string, @Param('version') version: string): Promise<void> {
    const { bytes, digest } = await this.#queries.execute(new GetManifest(id, version));
    const etag = `"sha256:${digest}"`;
    reply.header('ETag', etag).header('Cache-Control', 'private, max-age=31536000, immutable');
    if (isKnownTag(request, etag)) reply.code(304).send('');
    else reply.code(200).header('content-type', 'application/json; charset=utf-8').send(Buffer.from(bytes));
  }
}
