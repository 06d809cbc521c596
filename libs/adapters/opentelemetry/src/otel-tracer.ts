import type { Log, SpanAttributes, SpanKind as Kind, SpanOptions, Tracer } from '@maestro/ports';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { Context, Span, SpanContext, Tracer as OtelTracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { LoggedExporter } from './logged-exporter.ts';
import type { TracingSettings } from './settings.ts';

type OpenOptions = {
  readonly log: Log;
  /** of this program, shown beside each span */
  readonly version: string;
  /** instead of OTLP to `url` */
  readonly exporter?: SpanExporter;
};

const KINDS: Readonly<Record<Kind, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * A tracer over the OpenTelemetry SDK.
 *
 * T1. Context is passed by hand. Nothing is registered globally, and no hook follows asynchronous calls.
 * T2. Spans are sent in batches beside the work; where they cannot be sent, or too many wait, they are dropped.
 */
export function openTracer(settings: TracingSettings, { log, version, exporter }: OpenOptions): Tracer {
  const { url, serviceName, sampleRatio, headers, queueMax, exportEveryMs, exportTimeoutMs } = settings;
  const target = exporter ?? new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: exportTimeoutMs });
  const processor = new BatchSpanProcessor({
    exporter: new LoggedExporter(target, log),
    maxQueueSize: queueMax,
    maxExportBatchSize: Math.min(512, queueMax),
    scheduledDelayMillis: exportEveryMs,
    exportTimeoutMillis: exportTimeoutMs,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [processor],
  });
  return new OpenTelemetryTracer(provider, provider.getTracer('maestro', version), exportTimeoutMs);
}

class OpenTelemetryTracer implements Tracer {
  readonly #provider: TracerProvider;
  readonly #tracer: OtelTracer;
  readonly #closeTimeoutMs: number;
  #closing: Promise<void> | undefined;

  constructor(provider: TracerProvider, tracer: OtelTracer, closeTimeoutMs: number) {
    this.#provider = provider;
    this.#tracer = tracer;
    this.#closeTimeoutMs = closeTimeoutMs;
  }

  async span<T>(name: string, { parent, kind = 'internal', attributes = {} }: SpanOptions, work: (traceparent: string) => Promise<T>): Promise<T> {
    const span = this.#begin(name, kind, attributes, contextOf(parent));
    try {
      return await work(traceparentOf(span.spanContext()));
    } catch (error) {
      // a code, never a message: a message may name what belongs to a user
      span.setAttribute('error.type', codeOf(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  #begin(name: string, kind: Kind, attributes: SpanAttributes, context: Context): Span {
    return this.#tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, context);
  }

  async #close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#closeTimeoutMs)));
    await Promise.race([this.#provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  }
}

/** The context below which a span begins; one that is no traceparent begins a trace. */
function contextOf(parent: string | undefined): Context {
  const [, traceId, spanId, flags = '0'] = TRACEPARENT.exec(parent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')}`;
}

function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown';
}
