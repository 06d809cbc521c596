import { commandValidators } from '@maestro/contracts';
import type { AnyCommand } from '@maestro/contracts';
import { assertNever, reject } from '@maestro/domain';
import type { CommandAnswer, CommandEnvelope, CommandGateway, Log, Metrics } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import type { CommandLedger } from './command-ledger.ts';
import type { ExecutionCommands } from './execution-commands.ts';
import type { WorkflowCommands } from './workflow-commands.ts';

/**
 * The command gateway of one process: checks the closed schema, hands the command to its aggregate, remembers
 * refusals. The same for REST, for NATS and for what comes from inside.
 */
export class CommandRouter implements CommandGateway {
  readonly #workflows: WorkflowCommands;
  readonly #executions: ExecutionCommands;
  readonly #ledger: CommandLedger;
  readonly #metrics: Metrics;
  readonly #log: Log;

  constructor(workflows: WorkflowCommands, executions: ExecutionCommands, ledger: CommandLedger, metrics: Metrics, log: Log) {
    this.#workflows = workflows;
    this.#executions = executions;
    this.#ledger = ledger;
    this.#metrics = metrics;
    this.#log = log;
  }

  async send(envelope: CommandEnvelope): Promise<CommandAnswer> {
    const { command } = envelope;
    // what comes over the wire may name anything
    if (!Object.hasOwn(commandValidators, command.type)) return reject('COMMAND_INVALID', 'the type of the command is not known to this release');
    const validate: { (value: unknown): boolean; errors?: readonly { instancePath: string; message?: string | undefined }[] | null } = commandValidators[command.type];
    if (!validate(command)) {
      const errors = (validate.errors ?? []).map(({ instancePath, message }) => ({ pointer: instancePath, code: 'SCHEMA', message: message ?? 'invalid' }));
      return reject('COMMAND_INVALID', `${command.type} does not fit its schema`, { errors });
    }
    const answer = await this.#guarded(envelope);
    this.#metrics.count('mc_commands_total', 1, { type: command.type, outcome: answer.kind === 'ok' ? 'ok' : answer.rejection.code });
    if (answer.kind === 'refused') this.#ledger.refused(envelope, answer.rejection);
    return answer;
  }

  /** A bug stops this command, never the process; faults of the store pass through to whoever can try again. */
  async #guarded(envelope: CommandEnvelope): Promise<CommandAnswer> {
    try {
      return await this.#route(envelope, envelope.command);
    } catch (error) {
      if (isFault(error)) throw error;
      this.#log.log('error', 'a command met a bug', { type: envelope.command.type, commandId: envelope.commandId, error });
      return reject('BUG', `the command met a bug and was not carried out; quote command ${envelope.commandId} when you report it`);
    }
  }

  #route(envelope: CommandEnvelope, command: AnyCommand): Promise<CommandAnswer> {
    switch (command.type) {
      case 'workflow.save-draft.v1':
        return this.#workflows.saveDraft(envelope, command.payload);
      case 'workflow.publish.v1':
        return this.#workflows.publish(envelope, command.payload);
      case 'workflow.record-policy-decision.v1':
        return this.#workflows.recordPolicyDecision(envelope, command.payload);
      case 'workflow.fire-timer.v1':
        return this.#workflows.fireTimer(envelope, command.payload);
      case 'execution.start.v1':
        return this.#executions.start(envelope, command.payload);
      case 'execution.record-policy-decision.v1':
        return this.#executions.recordPolicyDecision(envelope, command.payload);
      case 'execution.start-task.v1':
        return this.#executions.startTask(envelope, command.payload);
      case 'execution.report-task.v1':
        return this.#executions.reportTask(envelope, command.payload);
      case 'execution.fail-binding.v1':
        return this.#executions.failBinding(envelope, command.payload);
      case 'execution.fire-timer.v1':
        return this.#executions.fireTimer(envelope, command.payload);
      case 'execution.continue-scheduling.v1':
        return this.#executions.continueScheduling(envelope, command.payload);
      case 'execution.cancel.v1':
        return this.#executions.cancel(envelope, command.payload);
      case 'execution.resume.v1':
        return this.#executions.resume(envelope, command.payload);
      case 'workflow.promote.v1':
        return this.#workflows.promote(envelope, command.payload);
      case 'workflow.rollback.v1':
        return this.#workflows.rollBack(envelope, command.payload);
      default:
        return assertNever(command);
    }
  }
}
