import type { EventStore, StoredEvent } from '@maestro/ports';
import type { Sealed } from './target.ts';

type Ended = { readonly endedMs: number; readonly verdict: string };

const TYPES = ['execution.completed.v1', 'execution.denied.v1', 'receipt.signed.v1', 'workflow.published.v1', 'workflow.publish-denied.v1'];
const decoder = new TextDecoder();

/**
 * Sees runs end and receipts signed, as any subscriber of the store does: after the commit. One subscription for all.
 * R1. A run is announced before it is started, so that its end cannot be missed.
 */
export class RunWatch {
  readonly #abort = new AbortController();
  readonly #following: Promise<void>;
  readonly #ended = new Map<string, PromiseWithResolvers<Ended>>();
  readonly #signed = new Map<string, PromiseWithResolvers<void>>();
  readonly #published = new Map<string, PromiseWithResolvers<void>>();
  #sealMs: number[] = [];
  #lastMs = 0;
  readonly #endedAt = new Map<string, number>();

  constructor(store: EventStore) {
    this.#following = this.#follow(store);
  }

  ended(executionId: string): Promise<Ended> {
    this.#signed.set(executionId, Promise.withResolvers());
    return waiter(this.#ended, executionId).promise;
  }

  signed(executionId: string): Promise<void> {
    return this.#signed.get(executionId)?.promise ?? Promise.resolve();
  }

  published(workflowId: string): Promise<void> {
    return waiter(this.#published, workflowId).promise;
  }

  async allSigned(): Promise<Sealed> {
    await Promise.all([...this.#signed.values()].map(({ promise }) => promise));
    const sealed = { lastMs: this.#lastMs, sealMs: this.#sealMs };
    this.#sealMs = [];
    return sealed;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#following;
  }

  async #follow(store: EventStore): Promise<void> {
    for await (const item of store.subscribe({ after: null, filter: { types: TYPES }, signal: this.#abort.signal })) {
      if (item.kind === 'event') this.#see(item.event, performance.now());
    }
  }

  #see({ stream, type, bytes }: StoredEvent, nowMs: number): void {
    const id = stream.slice(stream.indexOf('-') + 1);
    if (type.startsWith('workflow.')) {
      const waiting = this.#published.get(id);
      if (type === 'workflow.published.v1') waiting?.resolve();
      else waiting?.reject(new Error(`policy does not let ${id} be published`));
    } else if (type === 'receipt.signed.v1') this.#sign(id, nowMs);
    else {
      const { data } = JSON.parse(decoder.decode(bytes)) as { readonly data: { readonly verdict?: string } };
      this.#endedAt.set(id, nowMs);
      this.#ended.get(id)?.resolve({ endedMs: nowMs, verdict: data.verdict ?? 'denied' });
      this.#ended.delete(id);
    }
  }

  #sign(id: string, nowMs: number): void {
    this.#sealMs.push(nowMs - (this.#endedAt.get(id) ?? nowMs));
    this.#lastMs = nowMs;
    this.#endedAt.delete(id);
    this.#signed.get(id)?.resolve();
    this.#signed.delete(id);
  }
}

function waiter<T>(all: Map<string, PromiseWithResolvers<T>>, id: string): PromiseWithResolvers<T> {
  const made = Promise.withResolvers<T>();
  all.set(id, made);
  return made;
}
