import { EMPTY_HEAD, prepareCommit } from '@maestro/codec';
import type { Secrets, StreamHead } from '@maestro/codec';
import type { AnyEvent } from '@maestro/contracts';
import type { Decision, Recorded, Rejection, StreamName } from '@maestro/domain';
import { isFault } from '@maestro/ports';
import type { Appended, Clock, CommandEnvelope, Conflict, DataKeyId, EventStore, NewEvent, Tracer, Version } from '@maestro/ports';
import { LRUCache } from 'lru-cache';
import { loadStream, recordedOf, rememberRecorded } from '../recorded-events.ts';
import type { SealedValues } from '../sealed-values.ts';
import { inSpan } from '../tracing/in-span.ts';
import { parentOf } from '../tracing/traced-gateway.ts';
import { StreamLocks } from './stream-locks.ts';

/** What is kept in memory of one stream: its folded state, what the next event chains to, who asked for what. */
export type Aggregate<S> = {
  state: S;
  head: StreamHead;
  version: Version | 'none';
  /** command id → its first event */
  readonly commands: Map<string, Recorded>;
};

/** One decision in the making: made from the state, never from time or chance of its own. */
export type Deliberation = {
  readonly decision: Decision<AnyEvent>;
  readonly secrets?: Secrets;
  /** seals the secrets; undefined where there are none */
  readonly keyId?: DataKeyId | undefined;
};

export type Outcome<S> =
  /** `repeated`: the first event of an earlier handling of this very command */
  | { readonly kind: 'done'; readonly state: S; readonly events: readonly Recorded[]; readonly cursor: string | null; readonly repeated: Recorded | undefined }
  | { readonly kind: 'refused'; readonly rejection: Rejection };

type Settings<S> = {
  readonly initial: () => S;
  readonly evolve: (state: S, recorded: Recorded) => S;
  readonly isFinal: (state: S) => boolean;
  readonly cachedMax: number;
  readonly tracer?: Tracer | undefined;
};

const CONFLICT_TRIES_MAX = 8;
const UNKNOWN_OUTCOME_TRIES_MAX = 3;

/**
 * Loads, decides, appends, folds: the only writer of aggregate streams.
 * H1. State evolves from stored events only.
 * H2. One command of a stream at a time in this process; between processes the expected revision decides.
 * H3. A command id that the stream knows appends nothing.
 * H4. Bytes are prepared once per decision; an unknown outcome re-sends those bytes.
 * H5. What is remembered is a speed-up: nothing is refused or left undone before the store says that it is up to date,
 *     and it is never replaced by something older. Whatever throws on the way makes it forgotten.
 */
export class AggregateHandler<S> {
  readonly #store: EventStore;
  readonly #values: SealedValues;
  readonly #clock: Clock;
  readonly #settings: Settings<S>;
  readonly #cache: LRUCache<string, Aggregate<S>>;
  readonly #locks = new StreamLocks();
  readonly #onAppended: (events: readonly Recorded[]) => void;

  constructor(store: EventStore, values: SealedValues, clock: Clock, onAppended: (events: readonly Recorded[]) => void, settings: Settings<S>) {
    this.#store = store;
    this.#values = values;
    this.#clock = clock;
    this.#onAppended = onAppended;
    this.#settings = settings;
    this.#cache = new LRUCache({ max: settings.cachedMax });
  }

  /**
   * State as known here, without waiting for commands in hand: good for looking, not for deciding. At least as of a
   * revision that the caller has seen; `'newest'` reads it from the store.
   */
  async peek(stream: StreamName, atLeast: number | 'newest' = -1): Promise<Aggregate<S>> {
    const known = this.#cache.get(stream);
    return known === undefined || atLeast === 'newest' || known.head.revision < atLeast ? this.#reload(stream) : known;
  }

  async handle(stream: StreamName, envelope: CommandEnvelope, deliberate: (state: S, now: string) => Promise<Deliberation>): Promise<Outcome<S>> {
    return this.#locks.run(stream, async () => {
      try {
        return await this.#handle(stream, envelope, deliberate);
      } catch (error) {
        // it may be folded half
        this.#cache.delete(stream);
        throw error;
      }
    });
  }

  async #handle(stream: StreamName, envelope: CommandEnvelope, deliberate: (state: S, now: string) => Promise<Deliberation>): Promise<Outcome<S>> {
    for (let tries = 0; tries < CONFLICT_TRIES_MAX; tries++) {
      const known = tries === 0 ? this.#cache.get(stream) : undefined;
      const aggregate = known ?? (await this.#reload(stream));
      const repeated = aggregate.commands.get(envelope.commandId);
      if (repeated !== undefined) return { kind: 'done', state: aggregate.state, events: [], cursor: null, repeated };
      const now = new Date(this.#clock.nowMs()).toISOString();
      const deliberation = await deliberate(aggregate.state, now);
      const { decision } = deliberation;
      if (decision.kind === 'refused' || decision.events.length === 0) {
        if (known !== undefined && (await this.#isBehind(stream, known))) continue;
        return decision.kind === 'refused' ? decision : { kind: 'done', state: aggregate.state, events: [], cursor: null, repeated: undefined };
      }
      const done = await this.#append(stream, aggregate, envelope, deliberation, now);
      if (done !== undefined) return done;
    }
    return { kind: 'refused', rejection: { code: 'CONFLICT_RETRIES_EXHAUSTED', detail: `${stream} changed faster than it could be decided on: try again` } };
  }

  async #append(stream: StreamName, aggregate: Aggregate<S>, envelope: CommandEnvelope, { decision, secrets, keyId }: Deliberation, now: string): Promise<Outcome<S> | undefined> {
    if (decision.kind === 'refused') return decision;
    const { commandId, tenant, actor, correlationId } = envelope;
    const cause = { tenant, stream, commandId, causationId: envelope.causationId ?? commandId, correlationId, actor };
    const prepared = prepareCommit(aggregate.head, cause, now, decision.events);
    const newEvents: NewEvent[] = [];
    for (const one of prepared) newEvents.push(await this.#values.toNewEvent(one, keyId, secrets ?? new Map()));
    const [first, ...rest] = newEvents;
    if (first === undefined) return undefined;
    const span = { parent: parentOf(envelope), attributes: { 'maestro.stream': stream, 'maestro.events': newEvents.length } };
    const appended = await inSpan(this.#settings.tracer, 'append', span, () => this.#send(stream, aggregate.version, [first, ...rest]));
    if (appended.kind === 'conflict') return undefined;
    for (const { bytes, recorded } of prepared) rememberRecorded(bytes, recorded);
    const events = prepared.map((one) => one.recorded);
    this.#fold(aggregate, events);
    aggregate.version = appended.version;
    this.#keep(stream, aggregate);
    this.#onAppended(events);
    return { kind: 'done', state: aggregate.state, events, cursor: appended.cursor, repeated: undefined };
  }

  async #send(stream: StreamName, expected: Version | 'none', events: readonly [NewEvent, ...NewEvent[]]): Promise<Appended | Conflict> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#store.append(stream, expected, events);
      } catch (error) {
        this.#cache.delete(stream);
        if (!isFault(error, 'STORE_OUTCOME_UNKNOWN') || tries === UNKNOWN_OUTCOME_TRIES_MAX) throw error;
      }
    }
  }

  async #isBehind(stream: StreamName, { head }: Aggregate<S>): Promise<boolean> {
    const page = await this.#store.readStream(stream, { direction: 'backward', limit: 1 });
    return page.kind === 'page' && page.version.revision > BigInt(head.revision);
  }

  async #reload(stream: StreamName): Promise<Aggregate<S>> {
    const { stored, version } = await loadStream(this.#store, stream);
    const aggregate: Aggregate<S> = { state: this.#settings.initial(), head: EMPTY_HEAD, version: version ?? 'none', commands: new Map() };
    this.#fold(aggregate, stored.map(recordedOf));
    return this.#keep(stream, aggregate);
  }

  /** Remembers it unless something newer is remembered; answers the newer one. */
  #keep(stream: StreamName, aggregate: Aggregate<S>): Aggregate<S> {
    const known = this.#cache.get(stream);
    if (known !== undefined && known.head.revision > aggregate.head.revision) return known;
    if (this.#settings.isFinal(aggregate.state)) this.#cache.delete(stream);
    else this.#cache.set(stream, aggregate);
    return aggregate;
  }

  #fold(aggregate: Aggregate<S>, events: readonly Recorded[]): void {
    for (const recorded of events) {
      aggregate.state = this.#settings.evolve(aggregate.state, recorded);
      aggregate.head = recorded;
      if (!aggregate.commands.has(recorded.commandId)) aggregate.commands.set(recorded.commandId, recorded);
    }
  }
}
