import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { packOutcomes, type PackedOutcomes } from './append-outcome.ts';
import { unpackAppends, type AppendBatch, type ArrivingAppend } from './append-batch.ts';
import { original, plainFault, type PlainFault } from './storage-fault.ts';
import { openWriterDatabase, type WriterDatabase, type WriterOptions } from './writer-database.ts';

export type ToWriter = AppendBatch | { readonly kind: 'close' };
export type FromWriter =
  | { readonly kind: 'opened'; readonly incarnation: string; readonly position: number }
  | { readonly kind: 'refused'; readonly fault: PlainFault }
  | ({ readonly kind: 'answers' } & PackedOutcomes)
  /** the last message; `fault`: closing failed, what was acknowledged is on disk all the same */
  | { readonly kind: 'closed'; readonly fault: PlainFault | null };

/** Appends in one transaction at most: bounds its duration, and what waits behind it. */
const GROUP_APPENDS_MAX = 512;
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

/**
 * The writer's side of the port.
 *
 * L1. Every append is answered once, in the order of arrival, and only after its transaction's COMMIT returned.
 * L2. One transaction takes all that is waiting when it begins, within the bounds; the rest arrives by itself.
 * L3. The head mark is written at most `markDelayMs` after a commit, however busy the port is, and never before it.
 */
class WriterLoop {
  readonly #port: MessagePort;
  readonly #store: WriterDatabase;
  readonly #markDelayMs: number;
  /** when the oldest commit that the mark lacks happened; undefined: it lacks none */
  #unmarkedSinceMs: number | undefined;
  #markTimer: NodeJS.Timeout | undefined;

  constructor(port: MessagePort, store: WriterDatabase, markDelayMs: number) {
    this.#port = port;
    this.#store = store;
    this.#markDelayMs = markDelayMs;
  }

  take(first: ToWriter): void {
    const appends: ArrivingAppend[] = [];
    let bytes = 0;
    let message: ToWriter | undefined = first;
    while (message?.kind === 'append') {
      for (const append of unpackAppends(message)) appends.push(append);
      bytes += message.data.length;
      if (appends.length >= GROUP_APPENDS_MAX || bytes >= GROUP_BYTES_MAX) break;
      message = receiveMessageOnPort(this.#port)?.message as ToWriter | undefined;
    }
    if (appends.length > 0) this.#write(appends);
    if (message?.kind === 'close') this.#close();
  }

  #write(appends: readonly ArrivingAppend[]): void {
    const before = this.#store.writer.head.position;
    const packed = packOutcomes(this.#store.writer.write(appends));
    this.#port.postMessage({ kind: 'answers', ...packed } satisfies FromWriter, [packed.words.buffer]);
    if (this.#store.writer.head.position !== before) this.#committed();
  }

  #committed(): void {
    const nowMs = performance.now();
    this.#unmarkedSinceMs ??= nowMs;
    if (nowMs - this.#unmarkedSinceMs >= this.#markDelayMs) this.#mark();
    else this.#markTimer ??= setTimeout(() => this.#mark(), this.#markDelayMs);
  }

  #mark(): void {
    clearTimeout(this.#markTimer);
    this.#markTimer = undefined;
    try {
      this.#store.mark.write(this.#store.writer.head);
      this.#unmarkedSinceMs = undefined;
    } catch {
      // the events are on disk; a mark that cannot be written is tried again, and must not stop the store
      this.#markTimer = setTimeout(() => this.#mark(), this.#markDelayMs);
    }
  }

  #close(): void {
    clearTimeout(this.#markTimer);
    let fault: PlainFault | null = null;
    try {
      this.#store.close();
    } catch (error) {
      fault = plainFault(error);
    }
    this.#port.postMessage({ kind: 'closed', fault } satisfies FromWriter);
    this.#port.close();
  }
}

/** Opens the store and serves it on the port until told to close. */
export function serveWriter(port: MessagePort, o: WriterOptions): void {
  try {
    const store = openWriterDatabase(o);
    const loop = new WriterLoop(port, store, o.markDelayMs);
    port.on('message', (message: ToWriter) => loop.take(message));
    port.postMessage({
      kind: 'opened',
      incarnation: store.incarnation,
      position: store.writer.head.position,
    } satisfies FromWriter);
  } catch (error) {
    port.postMessage({ kind: 'refused', fault: plainFault(error, original(o.path)) } satisfies FromWriter);
    port.close();
  }
}
