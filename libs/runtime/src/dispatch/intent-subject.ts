/**
 * What of its stream an intent is about: a task (`task/<id>`), a check, the run itself (``). Computed from a key as well
 * as from a close; a close never reaches from one subject to another, unless it closes the whole stream. At most three
 * intents of one subject are open at a time.
 */
export function subjectOf(stream: string, keyOrClose: string): string {
  const [first = '', second = ''] = keyOrClose.slice(stream.length + 1).split('/', 2);
  return first === 'task' ? `task/${second}` : first;
}

/** A close is a key, or a prefix that ends in `/`. */
export function isClosedBy(close: string, key: string): boolean {
  return close.endsWith('/') ? key.startsWith(close) : key === close;
}
