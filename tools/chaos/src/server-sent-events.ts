/** One event of a tail; `id` is the revision, `data` the stored bytes as text. */
export type ServerSentEvent = { readonly id: string; readonly event: string; readonly data: string };

/** Takes a `text/event-stream` apart. What is cut off before its blank line is dropped, as the standard says; comments, too. */
export async function* serverSentEvents(body: AsyncIterable<unknown>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const event = parse(frame);
      if (event.data !== '') yield event;
    }
  }
}

function parse(frame: string): ServerSentEvent {
  const fields = { id: '', event: 'message', data: '' };
  for (const line of frame.split('\n')) {
    const [, name, value = ''] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (name === 'id' || name === 'event' || name === 'data') fields[name] = value;
  }
  return fields;
}
