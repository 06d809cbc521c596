import { createReadStream, createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

const NEWLINE = 0x0a;

/** A file of JSON lines that is written once, private to the user; what is not written yet is bounded. */
export class JsonLinesFile {
  readonly #stream: WriteStream;
  #failure: unknown;

  constructor(path: string) {
    this.#stream = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    this.#stream.on('error', (error) => (this.#failure = error));
  }

  async write(line: object): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#stream.write(`${JSON.stringify(line)}\n`)) await once(this.#stream, 'drain');
  }

  async close(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream);
  }
}

/** The lines of a file, one at a time. `parse` refuses a line that is none by throwing. */
export async function* readJsonLines<T>(path: string, parse: (line: unknown) => T): AsyncGenerator<T> {
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, at)) {
      const line = Buffer.concat([...rest, chunk.subarray(at, end)]);
      rest = [];
      at = end + 1;
      yield parse(JSON.parse(line.toString('utf8')));
    }
    rest.push(chunk.subarray(at));
  }
  if (rest.some(({ length }) => length > 0)) yield parse(JSON.parse(Buffer.concat(rest).toString('utf8')));
}
