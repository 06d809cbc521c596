import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandAcceptedV1Message, CommandOf, CommandOutcomeV1Message, ExecutionProgressV1Message, ProblemV1Message } from '@maestro/contracts';
import { jetstream } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { RefusedError, UnansweredError } from './client-errors.ts';

/** What a caller may send; its schemas are `contracts/schemas/commands`. */
export type ClientCommand = CommandOf<
  | 'workflow.save-draft.v1'
  | 'workflow.publish.v1'
  | 'workflow.promote.v1'
  | 'workflow.rollback.v1'
  | 'execution.start.v1'
  | 'execution.resume.v1'
  | 'execution.cancel.v1'
>;

export type SendOptions = {
  /** 1 to 128 visible ASCII characters; the same id is the same command, however often it is sent. Default: a new one */
  readonly commandId?: string;
  /** in all, tries included; 1 to 600,000, default 30,000 */
  readonly withinMs?: number;
  /** W3C trace context */
  readonly traceparent?: string;
};

/** An event of a run as it is stored, with the hash of its canonical JSON. */
export type FollowedEvent = ExecutionProgressV1Message['events'][number];

const WITHIN_MS = 30_000;
/** A try that is not answered by then is sent again: who had it may be gone. */
const TRY_MS = 5_000;
const PAUSE_MS = 200;
const QUESTION_WAIT_MS = 10_000;

/**
 * A connection of one caller.
 * K1. A command keeps its id over all its tries, so that sending it again is safe, whatever became of an earlier try.
 * K2. What may pass is tried again until the time is over: no answer, nobody there, a lost connection, a status of 503.
 */
export class MaestroClient {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #user: string;

  /** See `connectClient`. */
  constructor(connection: NatsConnection, user: string, prefix: string) {
    this.#connection = connection;
    this.#user = user;
    this.#prefix = prefix;
  }

  /** Answers when the command was accepted and is durable. Throws RefusedError, or UnansweredError when its time is over. */
  async send(command: ClientCommand, o: SendOptions = {}): Promise<CommandAcceptedV1Message> {
    return this.#ask<CommandAcceptedV1Message>(`in.${this.#user}.${verbOf(command)}`, command, o);
  }

  /**
   * Hands a command in without waiting for what becomes of it: answers with its id when it is on disk. `outcome` tells the
   * rest. Throws UnansweredError when its time is over.
   */
  async intake(command: ClientCommand, o: SendOptions = {}): Promise<{ readonly commandId: string }> {
    const commandId = o.commandId ?? randomUUID();
    const client = jetstream(this.#connection);
    const subject = `${this.#prefix}.intake.${this.#user}.${verbOf(command)}`;
    await this.#untilAnswered(commandId, o, async (number, timeout) => {
      const heads = headersOf({ ...o, commandId });
      heads.set('Nats-Msg-Id', `${commandId}.${number}`);
      return client.publish(subject, JSON.stringify(command), { headers: heads, timeout });
    });
    return { commandId };
  }

  /** What became of a command of this user; null: it is not known, or not yet. */
  async outcome(commandId: string, o: Pick<SendOptions, 'withinMs'> = {}): Promise<CommandOutcomeV1Message | null> {
    try {
      return await this.#ask<CommandOutcomeV1Message>(`in.${this.#user}.query.command`, { commandId }, o);
    } catch (error) {
      if (error instanceof RefusedError && error.code === 'COMMAND_NOT_FOUND') return null;
      throw error;
    }
  }

  /** A run as it is now, with its events after a revision. Waits up to `waitMs` for the next event if there is none yet. */
  async progress(executionId: string, o: { readonly after?: number | null; readonly waitMs?: number } = {}): Promise<ExecutionProgressV1Message> {
    const question = { executionId, after: o.after ?? null, waitMs: Math.min(o.waitMs ?? 0, QUESTION_WAIT_MS) };
    return this.#ask<ExecutionProgressV1Message>(`in.${this.#user}.query.execution`, question, {}, question.waitMs);
  }

  /**
   * The events of a run, each as soon as it is stored, from the one after `after` (default: all) to the last. Returns the
   * run as it ended. A lost connection is waited for; the signal ends it early, then the return value is undefined.
   */
  async *follow(executionId: string, o: { readonly after?: number; readonly signal?: AbortSignal } = {}): AsyncGenerator<FollowedEvent, ExecutionProgressV1Message | undefined, undefined> {
    let after = o.after ?? null;
    const aborted = o.signal === undefined ? new Promise<undefined>(() => {}) : abortOf(o.signal);
    while (o.signal?.aborted !== true) {
      const progress = await Promise.race([this.#nextProgress(executionId, after), aborted]);
      if (progress === undefined) continue;
      for (const each of progress.events) {
        yield each;
        after = Number(each.event['revision']);
      }
      if (progress.verdict !== null && !progress.more) return progress;
    }
    return undefined;
  }

  /** Undefined: nobody answered, for as long as one waits; it is asked again. */
  async #nextProgress(executionId: string, after: number | null): Promise<ExecutionProgressV1Message | undefined> {
    try {
      return await this.progress(executionId, { after, waitMs: QUESTION_WAIT_MS });
    } catch (error) {
      if (error instanceof UnansweredError) return undefined;
      throw error;
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #ask<T extends object>(subject: string, body: object, o: SendOptions, longerMs = 0): Promise<T> {
    const commandId = o.commandId ?? randomUUID();
    return this.#untilAnswered(commandId, o, async (_, timeout) => {
      const heads = headersOf({ ...o, commandId });
      const answer = await this.#connection.request(`${this.#prefix}.${subject}`, JSON.stringify(body), { timeout: timeout + longerMs, headers: heads });
      const document = answer.json<T | ProblemV1Message>();
      if (!('code' in document && 'status' in document)) return document as T;
      throw new RefusedError(document as ProblemV1Message);
    });
  }

  async #untilAnswered<T>(commandId: string, { withinMs = WITHIN_MS }: SendOptions, send: (number: number, timeoutMs: number) => Promise<T>): Promise<T> {
    const endMs = Date.now() + withinMs;
    for (let number = 1; ; number++) {
      try {
        return await send(number, Math.max(1, Math.min(TRY_MS, endMs - Date.now())));
      } catch (error) {
        if (error instanceof RefusedError && error.problem.status !== 503) throw error;
        if (isDenied(error) || this.#connection.isClosed()) throw error;
        if (Date.now() + PAUSE_MS >= endMs) throw error instanceof RefusedError ? error : new UnansweredError(commandId, withinMs, error);
      }
      await delay(PAUSE_MS);
    }
  }
}

/** `execution.start.v1` → `execution.start`: the end of the subject. */
function verbOf({ type }: ClientCommand): string {
  return type.slice(0, type.lastIndexOf('.v'));
}

function headersOf({ commandId, traceparent }: Pick<SendOptions, 'traceparent'> & { readonly commandId: string }): MsgHdrs {
  const made = headers();
  made.set('commandId', commandId);
  if (traceparent !== undefined) made.set('traceparent', traceparent);
  return made;
}

/** NATS does not let this user publish there: another try ends the same way. */
function isDenied(error: unknown): boolean {
  const { name, cause } = error as { readonly name?: unknown; readonly cause?: { readonly name?: unknown } };
  return name === 'PermissionViolationError' || cause?.name === 'PermissionViolationError';
}

function abortOf(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}
