import { openNatsConnection } from '@maestro/adapter-jetstream';
import type { NatsLink } from '@maestro/adapter-jetstream';

/** Of one question to a server that may have no leader just now. */
export const ANSWER_MS = 10_000;

/** A connection of the harness itself, past all links. */
export async function withNats<T>(url: string, work: (link: NatsLink) => Promise<T>): Promise<T> {
  const link = await openNatsConnection({ servers: [url], name: 'chaos' });
  try {
    return await work(link);
  } finally {
    await link.close();
  }
}

/** Asks JetStream's own interface; the answer holds `error` where it refuses. */
export async function askJetStream<T>({ connection }: NatsLink, call: string, question: object = {}): Promise<T> {
  const { data } = await connection.request(`$JS.API.${call}`, JSON.stringify(question), { timeout: ANSWER_MS });
  return JSON.parse(new TextDecoder().decode(data)) as T;
}
