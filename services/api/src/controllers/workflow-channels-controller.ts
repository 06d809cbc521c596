import { Body, Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { streamName } from '@maestro/domain';
import type { Entropy } from '@maestro/ports';
import { tokenOf } from '../api-dependencies.ts';
import { PromoteWorkflow, RollBackWorkflow } from '../commands/move-channel.ts';
import type { Promoted, RolledBack } from '../commands/move-channel.ts';
import { noWorkflow } from '../edge/found.ts';
import { identify } from '../http/command-identity.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { bodyValue, comment, optional, readFields, text } from '../http/request-fields.ts';
import { COMMAND_HEADERS, Operation } from '../openapi/answers.ts';
import type { ApiSettings } from '../settings.ts';

const version = text('a version as in 1.2.3', /^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/);

/** Which published version new runs get. */
@ApiTags('workflows')
@Controller('api/workflows')
export class WorkflowChannelsController {
  readonly #commands: CommandBus;
  readonly #edge: { readonly settings: ApiSettings; readonly entropy: Entropy };

  constructor(@Inject(CommandBus) commands: CommandBus, @Inject(tokenOf('settings')) settings: ApiSettings, @Inject(tokenOf('entropy')) entropy: Entropy) {
    this.#commands = commands;
    this.#edge = { settings, entropy };
  }

  @Post(':id/promote')
  @HttpCode(200)
  @Operation({
    id: 'promoteWorkflow',
    summary: 'Make the candidate the stable version',
    body: { json: 'PromoteRequest', required: false, example: { comment: 'a week without a failed run' } },
    headers: COMMAND_HEADERS,
    answers: { 200: { description: 'The candidate is the stable version now', json: 'Promoted', example: { id: 'sample-workflow', version: '0.2.0', position: '11' } } },
    problems: [404, 409, 413, 415, 422, 503],
  })
  promote(@Req() request: HttpRequest, @Res({ passthrough: true }) reply: HttpReply, @Param('id') path: string, @Body() body: unknown): Promise<Promoted> {
    const workflowId = workflowIdOf(path);
    const by = identify(request, reply, `POST /api/workflows/${workflowId.toLowerCase()}/promote`, this.#edge);
    const asked = readFields(bodyValue(body, { optional: true }), { comment: optional(comment, '') }, 'body');
    return this.#commands.execute(new PromoteWorkflow(by, { workflowId, ...asked }));
  }

  @Post(':id/rollback')
  @HttpCode(200)
  @Operation({
    id: 'rollbackWorkflow',
    summary: 'Withdraw the candidate, or go back to an earlier stable version',
    body: { json: 'RollbackRequest', required: false, example: { to: '0.1.0', comment: 'error rate over the limit' } },
    headers: COMMAND_HEADERS,
    answers: { 200: { description: 'New runs no longer get the version that stepped back', json: 'RolledBack', example: { id: 'sample-workflow', version: '0.2.0', to: '0.1.0', position: '12' } } },
    problems: [404, 409, 413, 415, 422, 503],
  })
  rollback(@Req() request: HttpRequest, @Res({ passthrough: true }) reply: HttpReply, @Param('id') path: string, @Body() body: unknown): Promise<RolledBack> {
    const workflowId = workflowIdOf(path);
    const by = identify(request, reply, `POST /api/workflows/${workflowId.toLowerCase()}/rollback`, this.#edge);
    const asked = readFields(bodyValue(body, { optional: true }), { to: optional(version, null), comment: optional(comment, '') }, 'body');
    return this.#commands.execute(new RollBackWorkflow(by, { workflowId, ...asked }));
  }
}

/** A name that cannot be a workflow names none. */
function workflowIdOf(path: string): string {
  if (streamName('workflow', path) === undefined || !/^[a-zA-Z0-9-_]{3,64}$/.test(path)) throw noWorkflow(path);
  return path;
}
