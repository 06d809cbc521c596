import type { PlainFault } from './storage-fault.ts';

/** What became of one append. */
export type Outcome =
  | { readonly kind: 'appended'; readonly firstPosition: number }
  | { readonly kind: 'deduplicated'; readonly lastPosition: number }
  /** `head` -1: the stream does not exist */
  | { readonly kind: 'conflict'; readonly head: number }
  | { readonly kind: 'fault'; readonly fault: PlainFault };

/** Many outcomes in two numbers each, as faults are rare: kind, then position, head or place in `faults`. */
export type PackedOutcomes = { readonly words: Float64Array<ArrayBuffer>; readonly faults: readonly PlainFault[] };

const KINDS = ['appended', 'deduplicated', 'conflict', 'fault'] as const;

export function packOutcomes(outcomes: readonly Outcome[]): PackedOutcomes {
  const words = new Float64Array(outcomes.length * 2);
  const faults: PlainFault[] = [];
  for (const [i, o] of outcomes.entries()) {
    words[2 * i] = KINDS.indexOf(o.kind);
    if (o.kind === 'appended') words[2 * i + 1] = o.firstPosition;
    else if (o.kind === 'deduplicated') words[2 * i + 1] = o.lastPosition;
    else if (o.kind === 'conflict') words[2 * i + 1] = o.head;
    else words[2 * i + 1] = faults.push(o.fault) - 1;
  }
  return { words, faults };
}

export function unpackOutcomes({ words, faults }: PackedOutcomes): Outcome[] {
  return Array.from({ length: words.length / 2 }, (_, i): Outcome => {
    const value = words[2 * i + 1] ?? NaN;
    const kind = KINDS[words[2 * i] ?? 3];
    if (kind === 'appended') return { kind, firstPosition: value };
    if (kind === 'deduplicated') return { kind, lastPosition: value };
    if (kind === 'conflict') return { kind, head: value };
    const fault = faults[value];
    if (fault === undefined) throw new Error(`outcome ${i} names no fault`);
    return { kind: 'fault', fault };
  });
}
