import { serverSentEvents } from './server-sent-events.ts';

async function read(text: string, chunkBytes: number): Promise<readonly unknown[]> {
  const bytes = Buffer.from(text, 'utf8');
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, i) => bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes));
  const events: unknown[] = [];
  for await (const event of serverSentEvents(toStream(chunks))) events.push(event);
  return events;
}

async function* toStream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

describe('server-sent events', () => {
  const text = 'retry: 1000\n\nid: 0\nevent: a.v1\ndata: {"text":"ü: \\n"}\n\n: alive\n\nid: 1\nevent: b.v1\ndata: {}\n\n';

  it.each([1, 2, 7, 1_000])('come whole from chunks of %d bytes, characters cut apart included', async (chunkBytes) => {
    expect(await read(text, chunkBytes)).toEqual([
      { id: '0', event: 'a.v1', data: '{"text":"ü: \\n"}' },
      { id: '1', event: 'b.v1', data: '{}' },
    ]);
  });

  it('leave out what a cut left without its end', async () => {
    expect(await read(text.slice(0, -1), 1_000)).toHaveLength(1);
  });
});
