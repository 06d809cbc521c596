import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { tokenOf } from '../api-dependencies.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { sendTagged, sendTaggedBytes } from '../http/tagged-answer.ts';
import { NOT_MODIFIED, Operation, TAG_HEADERS } from '../openapi/answers.ts';
import { ref } from '../openapi/schema-parts.ts';
import { GetManifest, GetWorkflow, ListVersions } from '../queries/workflow-queries.ts';
import type { ApiSettings } from '../settings.ts';

@ApiTags('workflows')
@Controller('api/workflows')
export class WorkflowsController {
  readonly #queries: QueryBus;
  readonly #release: string;

  constructor(@Inject(QueryBus) queries: QueryBus, @Inject(tokenOf('settings')) { version }: ApiSettings) {
    this.#queries = queries;
    this.#release = version;
  }

  @Get(':id')
  @Operation({
    id: 'getWorkflow',
    summary: 'A workflow as it is now, with the manifest of its draft',
    headers: TAG_HEADERS,
    answers: { 200: { description: 'Current state', json: 'CurrentWorkflow' }, ...NOT_MODIFIED },
    problems: [404, 503],
  })
  async get(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') id: string): Promise<void> {
    const workflow = await this.#queries.execute(new GetWorkflow(id));
    sendTagged(request, reply, workflow, { state: `r${workflow.revision}`, release: this.#release });
  }

  @Get(':id/versions')
  @Operation({
    id: 'listWorkflowVersions',
    summary: 'Published versions, newest first',
    headers: TAG_HEADERS,
    answers: { 200: { description: 'All of them', json: 'VersionList' }, ...NOT_MODIFIED },
    problems: [404, 503],
  })
  async versions(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') id: string): Promise<void> {
    const list = await this.#queries.execute(new ListVersions(id));
    sendTagged(request, reply, list, { state: `r${list.revision}`, release: this.#release });
  }

  @Get(':id/versions/:version')
  @Operation({
    id: 'getWorkflowVersion',
    summary: 'The manifest of a published version, as canonical JSON; its digest is the entity tag',
    headers: TAG_HEADERS,
    answers: { 200: { description: 'RFC 8785 bytes', content: { 'application/json': ref('Workflow') } }, ...NOT_MODIFIED },
    problems: [404, 503],
  })
  async version(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') id: string, @Param('version') version: string): Promise<void> {
    const { bytes, digest } = await this.#queries.execute(new GetManifest(id, version));
    sendTaggedBytes(request, reply, { bytes, digest, type: 'application/json; charset=utf-8', cache: 'private, max-age=31536000, immutable' });
  }
}
