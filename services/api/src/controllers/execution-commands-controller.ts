import { Body, Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { Entropy } from '@maestro/ports';
import { tokenOf } from '../api-dependencies.ts';
import { CancelExecution, ResumeExecution } from '../commands/end-or-resume.ts';
import { linksOf } from '../commands/start-execution.ts';
import type { StartedExecution } from '../commands/start-execution.ts';
import { executionIdOf } from '../edge/found.ts';
import { identify } from '../http/command-identity.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { bodyValue, comment, optional, readFields, text } from '../http/request-fields.ts';
import { COMMAND_HEADERS, Operation } from '../openapi/answers.ts';
import { SAMPLE_EXECUTION_ID } from '../openapi/samples.ts';
import type { ApiSettings } from '../settings.ts';

const reason = text('an upper-case code of 2 to 64 characters', /^[A-Z][A-Z0-9_]{1,63}$/);
const SAMPLE = { id: SAMPLE_EXECUTION_ID, position: '9', links: linksOf(SAMPLE_EXECUTION_ID) };

/** Commands on a run that exists. */
@ApiTags('executions')
@Controller('api/executions')
export class ExecutionCommandsController {
  readonly #commands: CommandBus;
  readonly #edge: { readonly settings: ApiSettings; readonly entropy: Entropy };

  constructor(@Inject(CommandBus) commands: CommandBus, @Inject(tokenOf('settings')) settings: ApiSettings, @Inject(tokenOf('entropy')) entropy: Entropy) {
    this.#commands = commands;
    this.#edge = { settings, entropy };
  }

  @Post(':id/cancel')
  @HttpCode(202)
  @Operation({
    id: 'cancelExecution',
    summary: 'Ask a run to end; its tasks get a signal and ten seconds',
    body: { json: 'CancelRequest', required: false, example: { reason: 'INPUT_MISMATCH', comment: 'started with the wrong inputs' } },
    headers: COMMAND_HEADERS,
    answers: { 202: { description: 'It will end; the events say when it has', json: 'StartedExecution', example: SAMPLE } },
    problems: [404, 409, 413, 415, 422, 503],
  })
  async cancel(@Req() request: HttpRequest, @Res({ passthrough: true }) reply: HttpReply, @Param('id') path: string, @Body() body: unknown): Promise<StartedExecution> {
    const executionId = executionIdOf(path);
    const by = identify(request, reply, `POST /api/executions/${executionId}/cancel`, this.#edge);
    const asked = readFields(bodyValue(body, { optional: true }), { reason: optional(reason, null), comment: optional(comment, '') }, 'body');
    return located(reply, await this.#commands.execute(new CancelExecution(by, { executionId, ...asked })));
  }

  @Post(':id/resume')
  @HttpCode(202)
  @Operation({
    id: 'resumeExecution',
    summary: 'Run again what did not succeed; outputs of tasks that did are reused',
    body: { json: 'ResumeRequest', required: false, example: {} },
    headers: COMMAND_HEADERS,
    answers: { 202: { description: 'Accepted; the answer names the new run', json: 'StartedExecution', example: SAMPLE } },
    problems: [404, 409, 410, 413, 415, 422, 503],
  })
  async resume(@Req() request: HttpRequest, @Res({ passthrough: true }) reply: HttpReply, @Param('id') path: string, @Body() body: unknown): Promise<StartedExecution> {
    const executionId = executionIdOf(path);
    const by = identify(request, reply, `POST /api/executions/${executionId}/resume`, this.#edge);
    readFields(bodyValue(body, { optional: true }), {}, 'body');
    return located(reply, await this.#commands.execute(new ResumeExecution(by, executionId)));
  }
}

function located(reply: HttpReply, started: StartedExecution): StartedExecution {
  reply.header('Location', started.links.self);
  return started;
}
