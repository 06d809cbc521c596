import type { Clock, EventStore, Metrics } from '@maestro/ports';

/** The same store; each append is timed, from the call to its answer: what a command waits for the disk and its group. */
export function measureAppends(store: EventStore, { clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics }): EventStore {
  const append: EventStore['append'] = async (...asked) => {
    const startedUs = clock.monotonicUs();
    let outcome = 'fault';
    try {
      const answer = await store.append(...asked);
      outcome = answer.kind;
      return answer;
    } finally {
      metrics.observe('mc_append_ms', (clock.monotonicUs() - startedUs) / 1_000, { outcome });
    }
  };
  return {
    limits: store.limits,
    append,
    readStream: (...asked) => store.readStream(...asked),
    readAll: (asked) => store.readAll(asked),
    subscribe: (asked) => store.subscribe(asked),
    head: () => store.head(),
    compare: (a, b) => store.compare(a, b),
    close: () => store.close(),
  };
}
