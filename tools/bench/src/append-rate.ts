import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openSqliteEventStore } from '@maestro/adapter-sqlite';
import type { StreamName } from '@maestro/domain';
import type { EventStore, NewEvent, Version } from '@maestro/ports';
import { eventHash } from '@maestro/receipt';
import type { AppendFigures } from './report.ts';
import { summarise } from './statistics.ts';

/** About the size of an event of a run. */
const EVENT_BYTES = 700;

/** Events per second of the store alone: every stream has one writer, which appends one event, waits, appends the next. */
export async function measureAppends(dir: string, streams: number, ms: number): Promise<AppendFigures> {
  const store = await openSqliteEventStore({ path: join(dir, `appends-${streams}.db`) });
  try {
    const samples: number[] = [];
    const started = performance.now();
    await Promise.all(Array.from({ length: streams }, (_, i) => appendFor(store, `bench-${i}` as StreamName, ms, samples)));
    const { count, p50, p99 } = summarise(samples) ?? { count: 0, p50: Number.NaN, p99: Number.NaN };
    return { streams, events: count, eventsPerSecond: (count / (performance.now() - started)) * 1_000, p50Ms: p50, p99Ms: p99 };
  } finally {
    await store.close();
  }
}

async function appendFor(store: EventStore, stream: StreamName, ms: number, samples: number[]): Promise<void> {
  let version: 'none' | Version = 'none';
  for (const end = performance.now() + ms; performance.now() < end; ) {
    const event = someEvent();
    const started = performance.now();
    const appended = await store.append(stream, version, [event]);
    samples.push(performance.now() - started);
    if (appended.kind === 'conflict') throw new Error('a stream with one writer had a conflict');
    version = appended.version;
  }
}

function someEvent(): NewEvent {
  const id = randomUUID();
  const bytes = Buffer.from(JSON.stringify({ id, filler: 'x'.repeat(EVENT_BYTES - 60) }));
  return { id, type: 'bench.appended.v1', bytes, hash: eventHash(bytes), sealed: null };
}
