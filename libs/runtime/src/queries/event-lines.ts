import { executionStream } from '@maestro/domain';
import type { ExecutionId } from '@maestro/domain';
import type { EventStore, StoredEvent } from '@maestro/ports';

const PAGE_EVENTS = 200;
const LINE_END = Uint8Array.of(0x0a);

/**
 * The stored bytes of a run's events from a revision on, each with a line feed: line by line what `events.jsonl` of its
 * receipt set holds. Reads a page only when the one before was taken, so a slow reader costs one page of memory. Ends
 * with the last event that is there; undefined: there is no such run. Faults of the store pass through.
 */
export async function readEventLines(store: EventStore, id: ExecutionId, from: number): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const read = (next: bigint) => store.readStream(executionStream(id), { from: next, direction: 'forward', limit: PAGE_EVENTS });
  const first = await read(BigInt(from));
  if (first.kind === 'missing') return undefined;
  return (async function* lines() {
    for (let page = first; page.kind === 'page'; ) {
      if (page.events.length > 0) yield linesOf(page.events);
      const last = page.events.at(-1);
      if (page.end || last === undefined) return;
      page = (await read(last.revision + 1n)) as typeof first;
    }
  })();
}

function linesOf(events: readonly StoredEvent[]): Uint8Array {
  return Buffer.concat(events.flatMap(({ bytes }) => [bytes, LINE_END]));
}
