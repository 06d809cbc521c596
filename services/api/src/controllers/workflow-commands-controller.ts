import { Body, Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { Entropy } from '@maestro/ports';
import { tokenOf } from '../api-dependencies.ts';
import { PublishWorkflow } from '../commands/publish-workflow.ts';
import type { PublishPending, Published } from '../commands/publish-workflow.ts';
import { SaveDraft } from '../commands/save-draft.ts';
import type { SavedDraft } from '../commands/save-draft.ts';
import { identify } from '../http/command-identity.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { ParsedBody } from '../http/parsed-body.ts';
import { bodyValue, jsonObject, optional, readFields, text } from '../http/request-fields.ts';
import { COMMAND_HEADERS, Operation } from '../openapi/answers.ts';
import { SAMPLE_DIGEST, SAMPLE_MANIFEST } from '../openapi/samples.ts';
import { DryRunWorkflow } from '../queries/workflow-queries.ts';
import type { ApiSettings } from '../settings.ts';

const version = text('a version as in 1.2.3', /^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/);
const region = text('a region of 1 to 64 characters', /^.{1,64}$/u);

@ApiTags('workflows')
@Controller('api/workflows')
export class WorkflowCommandsController {
  readonly #commands: CommandBus;
  readonly #queries: QueryBus;
  readonly #edge: { readonly settings: ApiSettings; readonly entropy: Entropy };

  constructor(
    @Inject(CommandBus) commands: CommandBus,
    @Inject(QueryBus) queries: QueryBus,
    @Inject(tokenOf('settings')) settings: ApiSettings,
    @Inject(tokenOf('entropy')) entropy: Entropy,
  ) {
    this.#commands = commands;
    this.#queries = queries;
    this.#edge = { settings, entropy };
  }

  @Post()
  @HttpCode(201)
  @Operation({
    id: 'createWorkflow',
    summary: 'Create or update a workflow draft',
    body: { json: 'Workflow', required: true, example: SAMPLE_MANIFEST },
    headers: COMMAND_HEADERS,
    answers: { 201: { description: 'Created', json: 'SavedDraft', example: { id: 'sample-workflow', version: '0.1.0', digest: SAMPLE_DIGEST, position: '1' } } },
    problems: [409, 413, 415, 422, 503],
  })
  async create(@Req() request: HttpRequest, @Res({ passthrough: true }) reply: HttpReply, @Body() body: unknown): Promise<SavedDraft> {
    const by = identify(request, reply, 'POST /api/workflows', this.#edge);
    bodyValue(body);
    const saved = await this.#commands.execute(new SaveDraft(by, body as ParsedBody));
    reply.header('Location', `/api/workflows/${saved.id}`);
    return saved;
  }

  @Post(':id/publish')
  @HttpCode(200)
  @Operation({
    id: 'publishWorkflow',
    summary: 'Publish an immutable snapshot',
    body: { json: 'PublishRequest', required: false, example: { version: '0.1.0' } },
    headers: COMMAND_HEADERS,
    answers: {
      200: { description: 'Published', json: 'Published', example: { id: 'sample-workflow', version: '0.1.0', digest: SAMPLE_DIGEST, channel: 'stable', position: '4' } },
      202: { description: 'No decision yet; Location says where it will be', json: 'PublishPending' },
    },
    problems: [404, 409, 413, 415, 422, 503],
  })
  async publish(@Req() request: HttpRequest, @Res({ passthrough: true }) reply: HttpReply, @Param('id') id: string, @Body() body: unknown): Promise<Published | (PublishPending & { links: { command: string } })> {
    const by = identify(request, reply, `POST /api/workflows/${id.toLowerCase()}/publish`, this.#edge);
    const asked = readFields(bodyValue(body, { optional: true }), { version: optional(version, null) }, 'body');
    const { kind, ...answer } = await this.#commands.execute(new PublishWorkflow(by, id, asked.version));
    if (kind === 'published') return answer as Published;
    const command = `/api/commands/${by.commandId}`;
    reply.code(202).header('Location', command);
    return { ...(answer as PublishPending), links: { command } };
  }

  @Post(':id/dry-run')
  @HttpCode(200)
  @Operation({
    id: 'dryRun',
    summary: 'Evaluate policy and plan without side effects',
    body: { json: 'DryRunRequest', required: false, example: { inputs: {}, region: 'US' } },
    answers: { 200: { description: 'Plan & policy decisions', json: 'PlanResult' } },
    problems: [404, 413, 415, 503],
  })
  async dryRun(@Param('id') id: string, @Body() body: unknown): Promise<unknown> {
    const fields = { inputs: optional(jsonObject, {}), region: optional(region, null), version: optional(version, null) };
    const asked = readFields(bodyValue(body, { optional: true }), fields, 'body');
    return this.#queries.execute(new DryRunWorkflow({ workflowId: id, ...asked }));
  }
}
