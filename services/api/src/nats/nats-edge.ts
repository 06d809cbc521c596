import type { CallerMessage, CallerMessages, CallerSettlement, CommandGateway, Clock, Consumption, Entropy, Log, Metrics } from '@maestro/ports';
import { Fault, isFault } from '@maestro/ports';
import { newExecutionId } from '@maestro/runtime';
import type { Query } from '@nestjs/cqrs';
import { problemDocument } from '../problem/problem-document.ts';
import { faulted, foreseen, problem, rejected } from '../problem/problem-error.ts';
import type { ProblemError } from '../problem/problem-error.ts';
import { callerAddress, isOwnInbox } from './caller-address.ts';
import type { CallerAddress } from './caller-address.ts';
import { envelopeOf } from './caller-command.ts';
import type { CallerScope } from './caller-command.ts';
import { questionOf } from './caller-questions.ts';

export type NatsEdgeDependencies = CallerScope & {
  readonly messages: CallerMessages;
  readonly gateway: CommandGateway;
  /** Nest's query bus: each question has one handler, whichever edge asks it */
  readonly queries: { execute(query: Query<object>): Promise<object> };
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly metrics: Metrics;
  readonly log: Log;
};

export type NatsEdge = {
  /** Takes nothing more, waits for what is in hand, at most `graceMs`. Idempotent. */
  stop(graceMs: number): Promise<void>;
};

/** Requests and durable commands in hand at once; beyond it a caller is told to come back. */
const IN_FLIGHT_MAX = 256;
const AGAIN_MS = 1_000;

/**
 * The api role's other edge: what callers send over NATS.
 * N1. Who sends a message is its subject, which NATS lets one user publish to. No header says it.
 * N2. An answer goes below the sender's own inbox or nowhere: any other subject would be published to with our rights. What
 *     has no such inbox is not carried out.
 * N3. Commands and questions are those of REST: same schemas, same gateway, same handlers, same problem documents.
 * N4. Whatever a message holds, it ends in an answer, never in an exception.
 * N5. A durable command is forgotten only after it was answered for good; until then it comes again, under the same id.
 */
export function openNatsEdge(d: NatsEdgeDependencies): NatsEdge {
  const edge = new Edge(d);
  const o = { inFlightMax: IN_FLIGHT_MAX };
  const consumptions: readonly Consumption[] = [d.messages.serve((message) => edge.answer(message), (message) => edge.tooMany(message), o), d.messages.takeIn((message) => edge.takeIn(message), o)];
  return {
    async stop(graceMs) {
      await Promise.all(consumptions.map((each) => each.stop(graceMs)));
    },
  };
}

class Edge {
  readonly #d: NatsEdgeDependencies;

  constructor(d: NatsEdgeDependencies) {
    this.#d = d;
  }

  async answer(message: CallerMessage): Promise<Uint8Array | null> {
    const address = this.#answerable(message);
    if (address === undefined) return null;
    const requestId = this.#requestId();
    try {
      const document = await this.#documentOf(address, message, requestId);
      this.#count('request', 'OK');
      return bytesOf(document);
    } catch (error) {
      return this.#refusal(error, requestId);
    }
  }

  tooMany(message: CallerMessage): Uint8Array | null {
    if (this.#answerable(message) === undefined) return null;
    const fault = new Fault('QUEUE_FULL', `${IN_FLIGHT_MAX} requests are in hand here; send this one again later, under the same commandId`, { retryable: true });
    return this.#refusal(faulted(fault), this.#requestId());
  }

  async takeIn(message: CallerMessage): Promise<CallerSettlement> {
    const requestId = this.#requestId();
    try {
      const address = callerAddress(message.address);
      if (address === undefined) throw unknownAddress();
      const answer = await this.#d.gateway.send(envelopeOf(address, message, requestId, this.#d));
      const code = answer.kind === 'ok' ? 'OK' : answer.rejection.code;
      this.#count('intake', code);
      return code === 'CONFLICT_RETRIES_EXHAUSTED' ? again() : { kind: 'done' };
    } catch (error) {
      if (isFault(error) && error.retryable) return again();
      // nobody waits for it, and it would be refused again: named here, then forgotten
      this.#refusal(error, requestId, 'intake');
      return { kind: 'done' };
    }
  }

  /** Undefined: it is neither carried out nor answered. */
  #answerable({ address, replyTo }: CallerMessage): CallerAddress | undefined {
    const parsed = callerAddress(address);
    if (parsed !== undefined && isOwnInbox(parsed.user, replyTo)) return parsed;
    this.#count('request', 'REPLY_REFUSED');
    this.#d.log.log('warn', 'REPLY_REFUSED: a request over NATS names no inbox of its sender, and is not carried out', { address: address.slice(0, 200), replyTo: replyTo?.slice(0, 200) ?? null });
    return undefined;
  }

  async #documentOf(address: CallerAddress, message: CallerMessage, requestId: string): Promise<object> {
    const question = questionOf(address, message, this.#d);
    if (question !== undefined) return this.#d.queries.execute(question);
    const envelope = envelopeOf(address, message, requestId, this.#d);
    const answer = await this.#d.gateway.send(envelope);
    if (answer.kind === 'refused') throw rejected(answer.rejection);
    return { ok: true, commandId: envelope.commandId, position: answer.position, result: answer.result };
  }

  #refusal(error: unknown, requestId: string, edge: 'request' | 'intake' = 'request'): Uint8Array {
    const refusal = foreseen(error) ?? bug(requestId);
    this.#count(edge, refusal.code);
    if (refusal.status >= 500 || edge === 'intake') this.#d.log.log(refusal.status >= 500 ? 'error' : 'warn', 'a message over NATS was refused', { requestId, code: refusal.code, ...(refusal.status >= 500 ? { error } : {}) });
    return bytesOf(problemDocument(refusal, requestId));
  }

  #requestId(): string {
    return newExecutionId(this.#d.clock, this.#d.entropy);
  }

  #count(edge: 'request' | 'intake', code: string): void {
    this.#d.metrics.count('mc_nats_requests_total', 1, { edge, code });
  }
}

function again(): CallerSettlement {
  return { kind: 'again', delayMs: AGAIN_MS };
}

function bytesOf(document: object): Uint8Array {
  return Buffer.from(JSON.stringify(document));
}

function unknownAddress(): ProblemError {
  return problem('ROUTE_NOT_FOUND', 'a command goes to <prefix>.intake.<user>.<aggregate>.<verb>');
}

function bug(requestId: string): ProblemError {
  return rejected({ code: 'BUG', detail: `the server met a bug; the request may not have been carried out. Its log names it by ${requestId}` });
}
