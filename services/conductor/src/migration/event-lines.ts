import type { Recorded, StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { NewEvent, StoredEvent } from '@maestro/ports';
import { recordedOf } from '@maestro/runtime';
import { readJsonLines } from './json-lines.ts';

/** One event of an export, as every store keeps it, and without what only one store knows. */
export type ExportedEvent = NewEvent & { readonly stream: StreamName; readonly revision: bigint };

const ZERO_HASH = '0'.repeat(64);

/** One line: bytes in base64, the revision as a number. */
export function eventLine({ stream, revision, id, type, hash, bytes, sealed }: ExportedEvent): object {
  return { stream, revision: Number(revision), id, type, hash, bytes: Buffer.from(bytes).toString('base64'), sealed: sealed === null ? null : Buffer.from(sealed).toString('base64') };
}

/** The events of an export in the order in which they were appended. Errors: a line that is none. */
export function readEventLines(path: string): AsyncGenerator<ExportedEvent> {
  return readJsonLines(path, (line) => {
    const { stream, revision, id, type, hash, bytes, sealed } = line as { readonly [name: string]: unknown };
    const isEvent = [stream, id, type, hash, bytes].every((each) => typeof each === 'string') && Number.isSafeInteger(revision) && (sealed === null || typeof sealed === 'string');
    if (!isEvent) throw new SyntaxError('a line is no event');
    return {
      stream: stream as StreamName,
      revision: BigInt(revision as number),
      id: id as string,
      type: type as string,
      hash: hash as string,
      bytes: Uint8Array.from(Buffer.from(bytes as string, 'base64')),
      sealed: sealed === null ? null : Uint8Array.from(Buffer.from(sealed as string, 'base64')),
    };
  });
}

/** Whether a stored event is this very one, sealed values included. */
export function isSameEvent(one: ExportedEvent, other: StoredEvent): boolean {
  const same = (a: Uint8Array | null, b: Uint8Array | null): boolean => (a === null || b === null ? a === b : Buffer.from(a).equals(b));
  return one.stream === other.stream && one.revision === other.revision && one.id === other.id && one.type === other.type && one.hash === other.hash && same(one.bytes, other.bytes) && same(one.sealed, other.sealed);
}

/** Proves events in the order of a store: each hash, and that each follows the one before it in its stream. About 250 bytes of memory for each stream. */
export class ChainProof {
  readonly #heads = new Map<string, { readonly revision: bigint; readonly hash: string }>();

  /** What the event says. Faults: STORE_DAMAGED, EVENT_FROM_NEWER_VERSION. */
  add(event: ExportedEvent): Recorded {
    const recorded = recordedOf({ ...event, cursor: '' });
    const head = this.#heads.get(event.stream);
    const isNext = event.revision === (head?.revision ?? -1n) + 1n && BigInt(recorded.revision) === event.revision && recorded.stream === event.stream;
    if (!isNext || recorded.prev !== (head?.hash ?? ZERO_HASH)) {
      throw new Fault('STORE_DAMAGED', `revision ${event.revision} of ${event.stream} does not follow the event before it`);
    }
    this.#heads.set(event.stream, { revision: event.revision, hash: event.hash });
    return recorded;
  }
}
