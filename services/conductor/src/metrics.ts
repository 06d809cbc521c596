import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '@maestro/ports';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

type Definition = { readonly kind: 'counter' | 'gauge' | 'histogram'; readonly help: string; readonly labels?: readonly string[]; readonly buckets?: readonly number[] };

const MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000];

/** Every metric that this program has; one that is not listed is a bug, caught by tests. */
export const METRICS: { readonly [name: string]: Definition } = {
  mc_commands_total: { kind: 'counter', help: 'Commands by type and outcome (ok, or the code of the refusal)', labels: ['type', 'outcome'] },
  mc_policy_decisions_total: { kind: 'counter', help: 'Policy evaluations by stage and outcome', labels: ['stage', 'outcome'] },
  mc_work_published_total: { kind: 'counter', help: 'Work handed to the queue', labels: ['kind'] },
  mc_work_refilled_total: { kind: 'counter', help: 'Work published again because the queue lost it', labels: [] },
  mc_task_duration_ms: { kind: 'histogram', help: 'Attempts by package and outcome, milliseconds', labels: ['uses', 'outcome'], buckets: MS },
  mc_projected_events_total: { kind: 'counter', help: 'Events folded into query models' },
  mc_projection_lag_ms: { kind: 'gauge', help: 'Age of the oldest event that query models do not hold, milliseconds; 0: they hold all' },
  mc_projection_rebuilds_total: { kind: 'counter', help: 'New query models swapped in' },
  mc_projection_rebuild_events: { kind: 'gauge', help: 'While query models are made anew: events folded, and events to fold', labels: ['state'] },
  mc_receipts_signed_total: { kind: 'counter', help: 'Receipts signed by outcome (appended, or conflict: there was one already)', labels: ['outcome'] },
  mc_receipt_verifications_total: { kind: 'counter', help: 'Stored receipts that were verified, by result (verified, or the class of the failure)', labels: ['result'] },
  mc_receipt_seal_ms: { kind: 'histogram', help: 'From the terminal event to the stored receipt, milliseconds', buckets: MS },
  mc_publish_to_start_ms: { kind: 'histogram', help: 'From the request of a run to its first task, milliseconds', buckets: MS },
  mc_append_ms: { kind: 'histogram', help: 'Appends to the event store by outcome, from call to answer, milliseconds', labels: ['outcome'], buckets: MS },
  mc_nats_requests_total: { kind: 'counter', help: 'Messages of callers over NATS by edge (request, intake) and code (OK, or the code of the refusal)', labels: ['edge', 'code'] },
  http_requests_total: { kind: 'counter', help: 'REST answers by method and status', labels: ['method', 'status'] },
  http_5xx_total: { kind: 'counter', help: 'REST answers with a status of 500 or more' },
  mc_open_runs: { kind: 'gauge', help: 'Runs without a verdict' },
  mc_open_intents: { kind: 'gauge', help: 'Open intents and timers' },
  mc_queue_waiting: { kind: 'gauge', help: 'Work waiting for a consumer, by kind and class', labels: ['kind', 'class'] },
  mc_queue_leased: { kind: 'gauge', help: 'Work that a consumer has taken, by kind and class', labels: ['kind', 'class'] },
  mc_quarantined_streams: { kind: 'gauge', help: 'Streams that are set aside because they could not be read or decided on' },
  mc_parked_work: { kind: 'gauge', help: 'Work that was rejected after three deliveries and is not handed out again' },
  mc_event_loop_delay_ms: { kind: 'gauge', help: 'Event loop delay, milliseconds, since the last scrape', labels: ['quantile'] },
};

export type MetricsPage = Metrics & { readonly contentType: string; text(): Promise<string>; /** called before each scrape */ onScrape(sample: () => Promise<void>): void };

/** Prometheus metrics of this process. Never throws: a metric that fails is lost, the work is not. */
export function openMetrics(): MetricsPage {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const samples: (() => Promise<void>)[] = [];
  const made = new Map(Object.entries(METRICS).map(([name, definition]) => [name, make(registry, name, definition)]));
  const metric = <T>(name: string, type: new (...rest: never[]) => T): T | undefined => {
    const found = made.get(name);
    return found instanceof type ? found : undefined;
  };
  const self: MetricsPage = {
    contentType: registry.contentType,
    count: (name, by = 1, labels = {}) => metric(name, Counter)?.inc(labels, by),
    gauge: (name, value, labels = {}) => metric(name, Gauge)?.set(labels, value),
    observe: (name, value, labels = {}) => metric(name, Histogram)?.observe(labels, value),
    onScrape: (sample) => void samples.push(sample),
    async text() {
      for (const [quantile, at] of [['0.5', 50], ['0.99', 99], ['1', 100]] as const) {
        self.gauge('mc_event_loop_delay_ms', delay.percentile(at) / 1e6, { quantile });
      }
      delay.reset();
      await Promise.allSettled(samples.map((sample) => sample()));
      return registry.metrics();
    },
  };
  return self;
}

function make(registry: Registry, name: string, { kind, help, labels = [], buckets = MS }: Definition): Counter | Gauge | Histogram {
  const o = { name, help, labelNames: [...labels], registers: [registry] };
  if (kind === 'counter') return new Counter(o);
  return kind === 'gauge' ? new Gauge(o) : new Histogram({ ...o, buckets: [...buckets] });
}
