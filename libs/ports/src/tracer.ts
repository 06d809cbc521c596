/** What a span says beside its name and times: public facts such as ids, never a value of a run. */
export type SpanAttributes = { readonly [name: string]: string | number | boolean };

/** `server` answers a request from outside, `producer` hands out work, `consumer` takes it; the rest is `internal`. */
export type SpanKind = 'internal' | 'server' | 'producer' | 'consumer';

export type SpanOptions = {
  /** W3C traceparent of the span below which this one is; undefined: it begins a trace */
  readonly parent: string | undefined;
  readonly kind?: SpanKind;
  readonly attributes?: SpanAttributes;
};

/**
 * Spans of a trace. Context is passed by hand as a W3C traceparent: it lies in events, work and headers, never in memory only,
 * so that a trace survives the process. A tracer that fails, or is slow, never fails or holds back the work that it watches.
 */
export interface Tracer {
  /** Runs `work` as one span, which ends with it, as failed where it throws. `work` gets the traceparent to pass on. */
  span<T>(name: string, o: SpanOptions, work: (traceparent: string) => Promise<T>): Promise<T>;
  /** Sends what has ended and was not sent yet; bounded in time, never throws. Idempotent. */
  close(): Promise<void>;
}
