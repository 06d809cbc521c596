import type { EvidenceItem, NewEvent, StoredEvent, Version } from '@maestro/ports';
import type { AppendStep, EvidenceStep } from './workload.ts';

/** Arguments of `append` for a step: the same bytes however often it is called. */
export function appendArguments({ stream, at, events }: AppendStep): readonly [StoredEvent['stream'], 'none' | Version, [NewEvent, ...NewEvent[]]] {
  const given = events.map(({ text, sealed, ...rest }): NewEvent => ({ ...rest, bytes: Buffer.from(text), sealed: sealed === null ? null : Buffer.from(sealed) }));
  const [first, ...others] = given;
  if (first === undefined) throw new Error(`the step on ${stream} has no event`);
  return [stream as StoredEvent['stream'], at < 0 ? 'none' : { revision: BigInt(at), token: String(at) }, [first, ...others]];
}

/** Items of `put` and `putMany` for a step. */
export function evidenceItems({ items }: EvidenceStep): EvidenceItem[] {
  return items.map(({ key, text, retainUntil }) => ({ key, bytes: Buffer.from(text), ...(retainUntil !== null && { retainUntil }) }));
}
