import { Body, Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { Entropy } from '@maestro/ports';
import { tokenOf } from '../api-dependencies.ts';
import { StartExecution, linksOf } from '../commands/start-execution.ts';
import type { StartedExecution } from '../commands/start-execution.ts';
import { identify } from '../http/command-identity.ts';
import { headerOf } from '../http/exchange.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { bodyValue, jsonObject, oneOf, optional, readFields, text } from '../http/request-fields.ts';
import { COMMAND_HEADERS, Operation } from '../openapi/answers.ts';
import { SAMPLE_EXECUTION_ID } from '../openapi/samples.ts';
import { ListExecutions } from '../queries/execution-queries.ts';
import type { ApiSettings } from '../settings.ts';
import { LIST_HEADERS, LIST_QUERY, readListQuery } from './list-query.ts';

const workflowId = text('a workflow id: 3 to 64 of A-Z a-z 0-9 - _', /^[a-zA-Z0-9-_]{3,64}$/);
const version = text('a version as in 1.2.3', /^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/);
const region = text('a region of 1 to 64 characters', /^.{1,64}$/u);
const STATUSES = ['checking', 'running', 'succeeded', 'failed', 'cancelled', 'timed-out', 'denied'] as const;

@ApiTags('executions')
@Controller('api/executions')
export class ExecutionsController {
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
  @HttpCode(202)
  @Operation({
    id: 'startExecution',
    summary: 'Start an execution',
    body: { json: 'StartRequest', required: true, example: { workflowId: 'sample-workflow', inputs: {}, rollout: 'all' } },
    headers: COMMAND_HEADERS,
    answers: { 202: { description: 'Accepted', json: 'StartedExecution', example: { id: SAMPLE_EXECUTION_ID, position: '7', links: linksOf(SAMPLE_EXECUTION_ID) } } },
    problems: [404, 409, 413, 415, 422, 503],
  })
  async start(@Req() request: HttpRequest, @Res({ passthrough: true }) reply: HttpReply, @Body() body: unknown): Promise<StartedExecution> {
    const by = identify(request, reply, 'POST /api/executions', this.#edge);
    const fields = {
      workflowId,
      version: optional(version, null),
      inputs: optional(jsonObject, {}),
      rollout: optional(oneOf(['canary', 'all']), null),
      region: optional(region, null),
    };
    const isKeyed = headerOf(request, 'idempotency-key') !== undefined;
    const started = await this.#commands.execute(new StartExecution(by, readFields(bodyValue(body), fields, 'body'), isKeyed));
    reply.header('Location', started.links.self);
    return started;
  }

  @Get()
  @Operation({
    id: 'listExecutions',
    summary: 'Runs, newest first',
    query: {
      ...LIST_QUERY,
      workflow: { description: 'of this workflow', schema: { type: 'string' } },
      status: { description: 'in this status', schema: { type: 'string', enum: STATUSES } },
    },
    headers: LIST_HEADERS,
    answers: { 200: { description: 'One page', json: 'ExecutionList' } },
    problems: [503],
  })
  list(@Req() request: HttpRequest): Promise<unknown> {
    const { workflow, status, ...asked } = readListQuery(request, { workflow: optional(workflowId, null), status: optional(oneOf(STATUSES), null) });
    return this.#queries.execute(new ListExecutions(asked, { workflow, status }));
  }
}
