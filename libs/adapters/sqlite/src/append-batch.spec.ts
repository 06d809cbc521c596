import { hashOf, newEvent, newStream } from '@maestro/conformance';
import { packAppends, unpackAppends } from './append-batch.ts';
import { packOutcomes, unpackOutcomes, type Outcome } from './append-outcome.ts';

describe('what crosses the threads', () => {
  it('carries appends in one buffer and gives them back whole', () => {
    const requests = [
      { stream: newStream(), at: -1, events: [newEvent('a'), newEvent('', { sealed: Uint8Array.of(1, 2) })] },
      { stream: newStream(), at: 41, events: [newEvent('é', { sealed: new Uint8Array(0) })] },
    ];
    const back = unpackAppends(packAppends(requests));
    const plain = back.map(({ stream, at, events }) => ({
      stream,
      at,
      events: events.map((e) => ({
        id: e.id,
        type: e.type,
        bytes: new Uint8Array(e.prefixed.subarray(1)),
        hash: Buffer.from(e.hash).toString('hex'),
        sealed: e.sealed && new Uint8Array(e.sealed),
      })),
    }));
    expect(plain).toEqual(requests);
    expect(back.flatMap((r) => r.events).map((e) => e.prefixed[0])).toEqual([0, 0, 0]);
  });
  it('gives an unreadable hash no chance to look right', () => {
    const [append] = unpackAppends(
      packAppends([{ stream: newStream(), at: -1, events: [newEvent('a', { hash: 'no hex' })] }]),
    );
    expect(Buffer.from(append?.events[0]?.hash ?? []).toString('hex')).not.toBe(hashOf(new TextEncoder().encode('a')));
  });
  it('carries outcomes of every kind', () => {
    const outcomes: Outcome[] = [
      { kind: 'appended', firstPosition: 2 ** 50 },
      { kind: 'fault', fault: { code: 'STORE_READ_ONLY', detail: 'full', retryable: true } },
      { kind: 'conflict', head: -1 },
      { kind: 'deduplicated', lastPosition: 7 },
      { kind: 'fault', fault: { code: 'STORE_DAMAGED', detail: 'x', retryable: false } },
    ];
    expect(unpackOutcomes(packOutcomes(outcomes))).toEqual(outcomes);
  });
});
