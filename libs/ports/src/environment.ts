/** Wall clock and timers of one process; simulated in tests. */
export interface Clock {
  /** milliseconds since 1970-01-01T00:00:00Z */
  nowMs(): number;
  /** monotonic, for durations only */
  monotonicUs(): number;
  /** Calls `fn` once, not before `delayMs`. Answers a function that cancels; cancelling twice is nothing. */
  after(delayMs: number, fn: () => void): () => void;
}

/** Randomness of one process; seeded in tests. */
export interface Entropy {
  bytes(count: number): Uint8Array;
}

/** Counters, gauges and histograms by the names of docs/metrics.md. Never throws. */
export interface Metrics {
  count(name: string, by?: number, labels?: Readonly<Record<string, string>>): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Structured log; never gets a user's value, a key or a token. */
export interface Log {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}
