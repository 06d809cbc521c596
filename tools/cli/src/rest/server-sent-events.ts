/** One server-sent event (WHATWG HTML, chapter 9.2); `id` is the last that was seen. */
export type ServerSentEvent = { readonly id: string; readonly event: string; readonly data: string };

/** Characters of one event at most: an answer of something else must not fill the memory. */
const EVENT_LENGTH_MAX = 4 * 1024 * 1024;

/** Reads a byte stream as events, as they come. A cut last event is none. RangeError: an event without end. */
export async function* serverSentEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder('utf-8');
  const parser = new EventParser();
  let rest = '';
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > EVENT_LENGTH_MAX) throw new RangeError('a server-sent event has no end');
    for (const line of lines) {
      const event = parser.take(line);
      if (event !== undefined) yield event;
    }
  }
}

/** Fields of the event that is being read; an empty line ends it. */
class EventParser {
  #id = '';
  #event = '';
  #data: string[] = [];

  take(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    return undefined;
  }

  #end(): ServerSentEvent | undefined {
    const found = { id: this.#id, event: this.#event === '' ? 'message' : this.#event, data: this.#data.join('\n') };
    const isEmpty = this.#data.length === 0;
    this.#event = '';
    this.#data = [];
    return isEmpty ? undefined : found;
  }
}
