import type { CommandType } from '@maestro/contracts';

/** `client`: a user or a service outside; the others are roles of the conductor. */
export type Sender = 'client' | 'runner' | 'policy' | 'command';

/** Who may send what: each command has one kind of sender. A new command does not compile without one. */
export const SENDER_OF: Readonly<Record<CommandType, Sender>> = {
  'workflow.save-draft.v1': 'client',
  'workflow.publish.v1': 'client',
  'workflow.promote.v1': 'client',
  'workflow.rollback.v1': 'client',
  'workflow.record-policy-decision.v1': 'policy',
  'workflow.fire-timer.v1': 'command',
  'execution.start.v1': 'client',
  'execution.resume.v1': 'client',
  'execution.cancel.v1': 'client',
  'execution.record-policy-decision.v1': 'policy',
  'execution.start-task.v1': 'runner',
  'execution.report-task.v1': 'runner',
  'execution.fail-binding.v1': 'command',
  'execution.fire-timer.v1': 'command',
  'execution.continue-scheduling.v1': 'command',
};

const ROLES: ReadonlyMap<string, Sender> = new Map([
  ['role:runner', 'runner'],
  ['role:policy', 'policy'],
  ['role:command', 'command'],
]);
const CLIENT = /^(?:user|service):[\x21-\x7e]{1,128}$/;

/** Undefined: nobody that sends commands. */
export function senderOf(actor: string): Sender | undefined {
  return CLIENT.test(actor) ? 'client' : ROLES.get(actor);
}

/**
 * Whether a command opens new work. Such commands wait while the process has its hands full; what goes on with work that
 * is open (reports, decisions, timers) and what ends it (cancel) does not wait for them.
 */
export function opensWork(type: CommandType): boolean {
  return SENDER_OF[type] === 'client' && type !== 'execution.cancel.v1';
}
