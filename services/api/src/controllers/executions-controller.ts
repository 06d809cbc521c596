import { Body, Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
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
import type { ApiSettings } from '../settings.ts';

const workflowId = text('a workflow id: 3 to 64 of A-Z a-z 0-9 - _', /^[a-zA-Z0-9-_]{3,64}$/);
const version = text('a version as in 1.2.3', /^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/);
const region = text('a region of 1 to 64 characters', /^.{1,64}$/u);

@ApiTags('executions')
@Controller('api/executions')
export class ExecutionsController {
  readonly #commands: CommandBus;
  readonly #edge: { readonly settings: ApiSettings; readonly entropy: Entropy };

  constructor(
    @Inject(CommandBus) commands: CommandBus,
    @Inject(tokenOf('settings')) settings: ApiSettings,
    @Inject(tokenOf('entropy')) entropy: Entropy,
  ) {
    this.#commands = commands;
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
}
