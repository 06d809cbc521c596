/** The part of a stream that printing goes through. */
export type Printable = { write: NodeJS.WriteStream['write'] };

/** Hands all that is written to a stream to `sink`, as text, and writes none of it. */
export function captureWrites(stream: Printable, sink: (text: string) => void): void {
  const write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    sink(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  };
  stream.write = write as Printable['write'];
}
