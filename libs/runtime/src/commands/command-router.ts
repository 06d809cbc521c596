import type { AnyCommand } from '@maestro/contracts';
import { assertNever } from '@maestro/domain';
import type { CommandAnswer, CommandEnvelope } from '@maestro/ports';
import type { ExecutionCommands } from './execution-commands.ts';
import type { WorkflowCommands } from './workflow-commands.ts';

/** Hands each command to the aggregate that it is for. What may come here was decided by the gateway. */
export class CommandRouter {
  readonly #workflows: WorkflowCommands;
  readonly #executions: ExecutionCommands;

  constructor(workflows: WorkflowCommands, executions: ExecutionCommands) {
    this.#workflows = workflows;
    this.#executions = executions;
  }

  /** Whatever the aggregate throws passes through. */
  route(envelope: CommandEnvelope): Promise<CommandAnswer> {
    const command: AnyCommand = envelope.command;
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
