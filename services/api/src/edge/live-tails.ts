import { PassThrough } from 'node:stream';
import { once } from 'node:events';
import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { executionStream } from '@maestro/domain';
import type { ExecutionId } from '@maestro/domain';
import type { Clock, EventStore, Log, StoredEvent } from '@maestro/ports';
import { isTerminal } from '@maestro/runtime';
import type { StreamTails } from '@maestro/runtime';
import { tokenOf } from '../api-dependencies.ts';
import { problem } from '../problem/problem-error.ts';
import type { ApiSettings } from '../settings.ts';
import { noExecution } from './found.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Milliseconds that a client waits before it comes back after a cut. */
const CLIENT_RETRY_MS = 1_000;

/**
 * Live tails of runs as server-sent events.
 * L1. An event is sent once, in order, with its revision as id; a client resumes after the last id that it saw.
 * L2. A tail ends after the terminal event, when its client leaves, or when the server stops.
 * L3. A slow client holds back its own tail only: nothing is read from the store while it does not take what was sent.
 * L4. At most `liveTailsMax` tails are open.
 */
@Injectable()
export class LiveTails implements OnModuleDestroy {
  readonly #store: EventStore;
  readonly #tails: StreamTails;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #settings: ApiSettings;
  readonly #open = new Set<AbortController>();

  constructor(
    @Inject(tokenOf('store')) store: EventStore,
    @Inject(tokenOf('tails')) tails: StreamTails,
    @Inject(tokenOf('clock')) clock: Clock,
    @Inject(tokenOf('log')) log: Log,
    @Inject(tokenOf('settings')) settings: ApiSettings,
  ) {
    this.#store = store;
    this.#tails = tails;
    this.#clock = clock;
    this.#log = log;
    this.#settings = settings;
  }

  /** Tails open now. */
  get openCount(): number {
    return this.#open.size;
  }

  /**
   * A stream of events from a revision on; null: the run has ended and there is nothing left to send.
   * `onLeave` is called once with what to do when the client goes away.
   */
  async open(id: ExecutionId, from: number, onLeave: (leave: () => void) => void): Promise<PassThrough | null> {
    const last = await this.#store.readStream(executionStream(id), { direction: 'backward', limit: 1 });
    const [newest] = last.kind === 'page' ? last.events : [];
    if (newest === undefined) throw noExecution();
    if (isTerminal(newest.type) && newest.revision < BigInt(from)) return null;
    if (this.#open.size >= this.#settings.liveTailsMax) {
      throw problem('TOO_MANY_TAILS', `${this.#settings.liveTailsMax} live tails are open; read pages of the history, or come back`);
    }
    const stop = new AbortController();
    this.#open.add(stop);
    onLeave(() => stop.abort());
    const out = new PassThrough();
    void this.#pump(out, id, from, stop);
    return out;
  }

  onModuleDestroy(): void {
    for (const stop of this.#open) stop.abort();
    this.#tails.close();
  }

  async #pump(out: PassThrough, id: ExecutionId, from: number, stop: AbortController): Promise<void> {
    const { signal } = stop;
    const endBeat = this.#beat(out, signal);
    try {
      out.write(`retry: ${CLIENT_RETRY_MS}\n\n`);
      for await (const event of this.#tails.follow(executionStream(id), BigInt(from), signal)) {
        if (!out.write(frameOf(event))) await once(out, 'drain', { signal });
        if (isTerminal(event.type)) break;
      }
    } catch (error) {
      // the client cannot get a status any more: the cut makes it come back and ask
      if (!signal.aborted) this.#log.log('warn', 'a live tail was cut', { executionId: id, error });
    } finally {
      endBeat();
      this.#open.delete(stop);
      stop.abort();
      out.end();
    }
  }

  /** A comment whenever `heartbeatMs` have passed, so that proxies and clients see that the tail lives. */
  #beat(out: PassThrough, signal: AbortSignal): () => void {
    let cancel = (): void => {};
    const next = (): void => {
      cancel = this.#clock.after(this.#settings.heartbeatMs, () => {
        if (signal.aborted) return;
        if (!out.writableNeedDrain) out.write(': alive\n\n');
        next();
      });
    };
    next();
    return () => cancel();
  }
}

/** Canonical JSON has no line break, so one data line carries the stored bytes exactly. */
function frameOf({ revision, type, bytes }: StoredEvent): string {
  return `id: ${revision}\nevent: ${type}\ndata: ${decoder.decode(bytes)}\n\n`;
}
