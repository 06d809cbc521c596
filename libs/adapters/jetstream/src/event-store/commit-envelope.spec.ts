import { newEvent } from '@maestro/conformance';
import { isFault, type NewEvent } from '@maestro/ports';
import { checkHashes, eventHash, holdsExactly, openCommit, sealCommit, type OpenedCommit } from './commit-envelope.ts';

const place = { commitId: 'c-1', stream: 'execution-a', after: 7, firstRevision: 3 };
const every = Uint8Array.from({ length: 256 }, (_, i) => i);
const events: readonly NewEvent[] = [newEvent(''), newEvent(every, { sealed: every }), newEvent('é ∑', { sealed: new Uint8Array(0) })];
const payload = sealCommit(place, events);

function opened(bytes: Uint8Array): OpenedCommit {
  const commit = openCommit(bytes);
  if (commit === undefined) throw new Error('the envelope did not open');
  return commit;
}

describe('an envelope', () => {
  it('gives back what was put in', () => {
    const commit = opened(payload);
    expect(commit).toMatchObject(place);
    const plain = (e: NewEvent | undefined): unknown => e && [e.id, e.type, [...e.bytes], e.hash, e.sealed && [...e.sealed]];
    expect([0, 1, 2].map((i) => plain(commit.eventAt(i)))).toEqual(events.map(plain));
    expect(commit.eventAt(3)).toBeUndefined();
    expect(holdsExactly(commit, events)).toBe(true);
  });
  it('opens inside a larger buffer', () => {
    const larger = Buffer.concat([Buffer.from('before'), payload, Buffer.from('after')]);
    expect(opened(larger.subarray(6, 6 + payload.length))).toMatchObject(place);
  });
  it('serves nothing that one changed bit has touched', () => {
    const differing = (at: number, bit: number): void => {
      const flipped = new Uint8Array(payload);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      const commit = openCommit(flipped);
      const served = commit === undefined ? [] : [0, 1, 2].map((i) => commit.eventAt(i));
      const changed = served.filter(
        (event, i) => event !== undefined && JSON.stringify([event, [...event.bytes]]) !== JSON.stringify([events[i], [...(events[i]?.bytes ?? [])]]),
      );
      expect([at, bit, changed]).toEqual([at, bit, []]);
      // and at least one event is not served
      expect([at, bit, commit === undefined || served.includes(undefined)]).toEqual([at, bit, true]);
    };
    for (let at = 0; at < payload.length; at += 1) differing(at, at % 8);
  });
  it('does not open when it is cut or longer', () => {
    for (let length = 0; length < payload.length; length += 1) expect(openCommit(payload.subarray(0, length))).toBeUndefined();
    expect(openCommit(Buffer.concat([payload, Buffer.from('x')]))).toBeUndefined();
  });
  it.each([
    '',
    '[]',
    '{}',
    '{"commitId":1}',
    '{"commitId":"c","stream":"a-b","after":0,"firstRevision":0,"events":[]}',
    '{"commitId":"c","stream":"a-b","after":0,"firstRevision":0,"events":[1]}',
  ])('does not open with %j as what it says of itself', (meta) => {
    const whole = Buffer.from(payload);
    const head = Buffer.from(whole.subarray(0, 40));
    head.writeUInt32BE(Buffer.byteLength(meta), 4);
    expect(openCommit(Buffer.concat([head, Buffer.from(meta)]))).toBeUndefined();
  });
});

describe('holdsExactly', () => {
  it.each([
    ['fewer', events.slice(0, 2)],
    ['more', [...events, newEvent('d')]],
    ['other order', [...events].reverse()],
    ['another id', [newEvent(''), ...events.slice(1)]],
  ])('is false for %s', (_, others) => expect(holdsExactly(opened(payload), others)).toBe(false));
});

describe('checkHashes', () => {
  it('refuses an event with a hash that is not its own', () => {
    const wrong = newEvent('b', { hash: eventHash(Buffer.from('a')) });
    const attempt = (): void => checkHashes('execution-a', [newEvent('a'), wrong]);
    expect(attempt).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }));
    try {
      attempt();
    } catch (error) {
      expect(isFault(error) && error.message.includes(wrong.id)).toBe(true);
    }
  });
});
