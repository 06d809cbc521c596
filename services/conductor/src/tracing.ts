import type { Log, Tracer } from '@maestro/ports';
import { releaseVersion } from './build-info.ts';
import type { Config } from './config.ts';

/** Where OTLP over HTTP takes spans, below the collector's origin. */
const TRACES_PATH = '/v1/traces';

/** The tracer of this process. Undefined unless a collector is configured: then nothing is loaded or made, and nothing costs anything. */
export async function openTracing({ tracing, cluster }: Config, log: Log): Promise<Tracer | undefined> {
  if (tracing.collector === null) return undefined;
  const { openTracer, parseTracingSettings } = await import('@maestro/adapter-opentelemetry');
  const serviceName = ['maestro', ...(cluster?.roles ?? [])].join('-');
  const parsed = parseTracingSettings({ url: `${tracing.collector}${TRACES_PATH}`, serviceName, sampleRatio: tracing.sharePercent / 100 });
  if ('problems' in parsed) throw new Error(`tracing: ${parsed.problems.join('; ')}`);
  return openTracer(parsed.settings, { log, version: releaseVersion() });
}
