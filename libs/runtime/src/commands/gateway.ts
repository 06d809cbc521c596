import { commandValidators } from '@maestro/contracts';
import { reject } from '@maestro/domain';
import type { Authorizer, CommandAnswer, CommandEnvelope, CommandGateway, Log, Metrics } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import type { Supervision } from '../supervision/supervision.ts';
import type { Admission } from './admission.ts';
import type { CommandLedger } from './command-ledger.ts';
import type { CommandRouter } from './command-router.ts';
import { SENDER_OF, opensWork, senderOf } from './command-senders.ts';
import { subjectOfCommand } from './command-subject.ts';

export type GatewayDependencies = {
  readonly router: CommandRouter;
  readonly authorizer: Authorizer;
  readonly admission: Admission;
  readonly ledger: CommandLedger;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly supervision?: Supervision | undefined;
};

type Refused = Extract<CommandAnswer, { kind: 'refused' }>;

/**
 * The command gateway of one process: the same for REST, for whatever comes over a wire, and for what comes from inside.
 * G1. A command is looked at in this order: known and of its schema; its sender may send it; its id was not used for
 *     another one; there is room for it. Only then it reaches its aggregate.
 * G2. Who may send it is asked at every repeat again, before anything of an earlier answer is told.
 * G3. A refusal that was decided is the answer for as long as the ledger remembers it; a bug, or a stream that changed too
 *     fast, decided nothing.
 * G4. Every answer is counted. What a client was refused is remembered, and so is what was forbidden to anybody.
 */
export class Gateway implements CommandGateway {
  readonly #d: GatewayDependencies;

  constructor(dependencies: GatewayDependencies) {
    this.#d = dependencies;
  }

  async send(envelope: CommandEnvelope): Promise<CommandAnswer> {
    const { ledger, metrics } = this.#d;
    const invalid = checkSchema(envelope);
    // what comes over the wire may name anything: only known types become labels and records
    if (invalid?.isKnown === false) return invalid.answer;
    const answer = invalid?.answer ?? (await this.#forbidden(envelope)) ?? ledger.answered(envelope) ?? (await this.#handled(envelope));
    const { command, actor } = envelope;
    metrics.count('mc_commands_total', 1, { type: command.type, outcome: answer.kind === 'ok' ? 'ok' : answer.rejection.code });
    const isClient = senderOf(actor) === 'client';
    if (answer.kind === 'ok' && isClient) ledger.accepted(envelope);
    if (answer.kind === 'refused' && (isClient || answer.rejection.code === 'FORBIDDEN')) ledger.refused(envelope, answer.rejection);
    return answer;
  }

  async #forbidden(envelope: CommandEnvelope): Promise<Refused | undefined> {
    const { actor, tenant, command } = envelope;
    const wanted = SENDER_OF[command.type];
    const sender = senderOf(actor);
    if (sender !== wanted) return forbidden(envelope, `it is sent by ${wanted === 'client' ? 'users and services' : `role:${wanted}`} only`);
    if (sender !== 'client') return undefined;
    try {
      const decision = await this.#d.authorizer.authorize({ tenant, actor, command: command.type, subject: subjectOfCommand(envelope).id });
      return decision.kind === 'allowed' ? undefined : forbidden(envelope, decision.reason);
    } catch (error) {
      return this.#bug(envelope, error);
    }
  }

  /** Only what exists can be set aside: a start makes its stream. */
  #setAside(envelope: CommandEnvelope, error: unknown): void {
    if (envelope.command.type !== 'execution.start.v1') this.#d.supervision?.quarantine.setAside(NAME, subjectOfCommand(envelope).stream, error);
  }

  /** A bug stops this command, never the process; faults of the store pass through to whoever can try again. */
  async #handled(envelope: CommandEnvelope): Promise<CommandAnswer> {
    const { router, admission } = this.#d;
    try {
      const answer = await admission.run(opensWork(envelope.command.type), () => router.route(envelope));
      if (answer.kind === 'ok') this.#d.supervision?.quarantine.clear(NAME, subjectOfCommand(envelope).stream);
      return answer;
    } catch (error) {
      if (!isFault(error) || UNREADABLE.has(error.code)) this.#setAside(envelope, error);
      return this.#bug(envelope, error);
    }
  }

  #bug({ command, commandId }: CommandEnvelope, error: unknown): Refused {
    if (isFault(error)) throw error;
    this.#d.log.log('error', 'a command met a bug', { type: command.type, commandId, error });
    return reject('BUG', `the command met a bug and was not carried out; quote command ${commandId} when you report it`);
  }
}

/** Who sets a stream aside here. */
const NAME = 'commands';
/** Faults of one stream; any other fault is of a port, and passes. */
const UNREADABLE: ReadonlySet<string> = new Set(['STORE_DAMAGED', 'EVENT_FROM_NEWER_VERSION']);

function forbidden({ actor, command }: CommandEnvelope, reason: string): Refused {
  return reject('FORBIDDEN', `${actor} may not send ${command.type}: ${reason}`);
}

type Validate = { (value: unknown): boolean; errors?: readonly { instancePath: string; message?: string | undefined }[] | null };

function checkSchema({ command }: CommandEnvelope): { readonly isKnown: boolean; readonly answer: Refused } | undefined {
  if (!Object.hasOwn(commandValidators, command.type)) return { isKnown: false, answer: reject('COMMAND_INVALID', 'the type of the command is not known to this release') };
  const validate: Validate = commandValidators[command.type];
  if (validate(command)) return undefined;
  const errors = (validate.errors ?? []).map(({ instancePath, message }) => ({ pointer: instancePath, code: 'SCHEMA', message: message ?? 'invalid' }));
  return { isKnown: true, answer: reject('COMMAND_INVALID', `${command.type} does not fit its schema`, { errors }) };
}

