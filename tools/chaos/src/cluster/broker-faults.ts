import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.ts';
import { ANSWER_MS, askJetStream, withNats } from './ask-nats.ts';
import type { Scenario, Surroundings } from './scenario.ts';

const BETWEEN_MS = 3_000;
const LATE_MAX_MS = 4_000;
const ECHO_SHARE = 0.3;
const ECHO_HEADER = 'Chaos-Echo';
/** A message that nobody can read is delivered at most a few times, each at least once per acknowledgement wait. */
const POISON_GONE_MS = 150_000;

/** Both streams are in memory, and may vanish with any server: what waits in them is told again by who needs it. */
async function deleteStreams({ site, count }: Surroundings): Promise<number> {
  return withNats(site.servers.natsUrl, async (link) => {
    let deleted = 0;
    while (deleted < count) {
      for (const kind of ['work', 'cmd']) {
        const { success = false } = await askJetStream<{ readonly success?: boolean }>(link, `STREAM.DELETE.${link.names.stream(kind)}`);
        if (success) deleted += 1;
      }
      await delay(BETWEEN_MS);
    }
    return deleted;
  });
}

/** Work and commands come again, later and in another order: a copy without the mark by which NATS tells copies. */
async function echo({ site, count, random }: Surroundings): Promise<number> {
  return withNats(site.servers.natsUrl, async (link) => {
    const { connection, names } = link;
    let echoed = 0;
    const subscriptions = ['work', 'cmd'].map((kind) =>
      connection.subscribe(names.subject(kind, '>'), {
        callback: (error, { subject, data, headers }) => {
          if (error !== null || headers === undefined || headers.has(ECHO_HEADER) || random() > ECHO_SHARE) return;
          for (const key of headers.keys()) if (key.startsWith('Nats-')) headers.delete(key);
          headers.set(ECHO_HEADER, '1');
          setTimeout(() => {
            if (connection.isClosed()) return;
            connection.publish(subject, data, { headers });
            echoed += 1;
          }, random() * LATE_MAX_MS);
        },
      }),
    );
    while (echoed < count) await delay(100);
    for (const subscription of subscriptions) subscription.unsubscribe();
    await delay(LATE_MAX_MS);
    return echoed;
  });
}

/** Bytes that nobody can read, where work, commands and what callers hand in are expected. They must go away, and hold nobody up. */
async function poison({ site, count, random }: Surroundings): Promise<number> {
  return withNats(site.servers.natsUrl, async (link) => {
    const { connection, names } = link;
    const sent: { readonly stream: string; readonly seq: number }[] = [];
    for (let n = 0; n < count; n++) {
      const places = [names.subject('work', 'task', 'small', `poison${n}`), names.subject('work', 'policy', 'default', `poison${n}`), names.subject('cmd', String(n % 6), 'execution', `poison${n}`), names.subject('intake', 'anybody', 'execution', 'start')];
      const bytes = Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256));
      const { data } = await connection.request(places[n % places.length] ?? '', bytes, { timeout: ANSWER_MS });
      const ack = JSON.parse(new TextDecoder().decode(data)) as { readonly stream?: string; readonly seq?: number };
      if (ack.stream === undefined || ack.seq === undefined) throw new Error(`poison ${n} was not taken: ${JSON.stringify(ack)}`);
      sent.push({ stream: ack.stream, seq: ack.seq });
    }
    for (const { stream, seq } of sent) {
      await eventually(`poison ${seq} of ${stream} is gone`, POISON_GONE_MS, async () => (await askJetStream<{ readonly error?: unknown }>(link, `STREAM.MSG.GET.${stream}`, { seq })).error !== undefined);
    }
    return sent.length;
  });
}

export const BROKER_FAULTS: readonly Scenario[] = [
  { name: 'delete-work-streams', fault: 'streams of work and commands are deleted', floor: { ci: 2, full: 20 }, harm: deleteStreams },
  { name: 'echo', fault: 'work and commands come twice, late and out of order', floor: { ci: 50, full: 1_000 }, harm: echo },
  { name: 'poison', fault: 'message that nobody can read', floor: { ci: 4, full: 40 }, harm: poison },
];
