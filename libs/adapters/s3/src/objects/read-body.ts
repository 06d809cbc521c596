import { Readable, addAbortSignal } from 'node:stream';

/** The first `length` bytes of a body, or as many as there are. What comes after them is not read. */
export async function readBody(body: unknown, length: number, signal: AbortSignal): Promise<Buffer> {
  if (!(body instanceof Readable)) throw new TypeError('the SDK answered without a stream of bytes');
  const stream: AsyncIterable<Uint8Array> = addAbortSignal(signal, body);
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for await (const chunk of stream) {
    const room = length - at;
    bytes.set(chunk.subarray(0, room), at);
    at += Math.min(chunk.length, room);
    if (chunk.length > room) break;
  }
  return bytes.subarray(0, at);
}
