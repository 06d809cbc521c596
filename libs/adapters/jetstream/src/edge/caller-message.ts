import type { MsgHdrs } from '@nats-io/transport-node';
import type { CallerMessage } from '@maestro/ports';

/** Resolves when the work is done or the time is over. */
export async function within(graceMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
  await Promise.race([work, over]);
  clearTimeout(timer);
}

/** What the port says of a message; `prefix`: what its subject begins with, the dot included. */
export function messageOf(raw: { readonly subject: string; readonly reply?: string; readonly headers?: MsgHdrs | undefined; readonly data: Uint8Array }, prefix: string): CallerMessage {
  const headers = new Map<string, string>();
  for (const [name, values] of raw.headers ?? []) headers.set(name, values[0] ?? '');
  return { address: raw.subject.slice(prefix.length), replyTo: raw.reply === undefined || raw.reply === '' ? null : raw.reply, headers, body: raw.data };
}
