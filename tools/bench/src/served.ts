import type { ProcessUsage } from './process-usage.ts';

/** What answers over REST while it is measured: one conductor, or a whole cluster. */
export interface Served {
  readonly name: 'rest' | 'cluster';
  readonly says: string;
  /** base of the REST API */
  readonly url: string;
  /** where `/metrics` of each of its processes is */
  readonly metricsUrls: readonly string[];
  /** the end of its logs, for the message when something fails */
  said(): string;
  /** of all its processes, servers included; memory is that of its largest process of the product */
  usage(): ProcessUsage;
  /** throws where it did not end in order */
  stop(): Promise<void>;
}
