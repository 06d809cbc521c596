import fc from 'fast-check';
import { serverSentEvents } from './server-sent-events.ts';
import type { ServerSentEvent } from './server-sent-events.ts';

async function eventsIn(...chunks: readonly (string | Uint8Array)[]): Promise<ServerSentEvent[]> {
  const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk));
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield* bytes;
  }
  const found: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(stream())) found.push(event);
  return found;
}

const TEXT = 'retry: 1000\n\n: alive\n\nid: 0\nevent: a.v1\ndata: {"x":"ü→"}\n\nid: 1\r\ndata:one\r\ndata: two\r\n\r\ndata\n\n';
const EVENTS = [
  { id: '0', event: 'a.v1', data: '{"x":"ü→"}' },
  { id: '1', event: 'message', data: 'one\ntwo' },
  { id: '1', event: 'message', data: '' },
];

describe('server-sent events', () => {
  it('are read as the standard says', async () => expect(await eventsIn(TEXT)).toEqual(EVENTS));

  it('do not depend on where the stream is cut into pieces', async () => {
    const bytes = new TextEncoder().encode(TEXT);
    const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const ends = [...places, bytes.length].sort((a, b) => a - b);
        expect(await eventsIn(...ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end)))).toEqual(EVENTS);
      }),
    );
  });

  it('a last event that was cut is none', async () => {
    expect(await eventsIn('id: 0\ndata: a\n\nid: 1\ndata: b\n')).toEqual([{ id: '0', event: 'message', data: 'a' }]);
  });

  it('an event without end is refused before it fills the memory', async () => {
    await expect(eventsIn('data: ', 'x'.repeat(5 * 1024 * 1024))).rejects.toThrow(RangeError);
  });
});
