import type { SpanOptions, Tracer } from '@maestro/ports';

/**
 * Work as one span below its parent. Without a tracer, or a parent (nobody traces this run), it is just done, and what it
 * passes on is what it was given: only an edge begins a trace.
 */
export function inSpan<T>(tracer: Tracer | undefined, name: string, o: SpanOptions, work: (traceparent: string | undefined) => Promise<T>): Promise<T> {
  return tracer === undefined || o.parent === undefined ? work(o.parent) : tracer.span(name, o, work);
}
