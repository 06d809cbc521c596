/** W3C `traceparent`: version, trace id, span id, flags; ids of zeros only are invalid. */
const TRACE_CONTEXT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The trace context that a correlation id is, where the request that began it was traced. So every event that a request led to
 * holds it, and whoever goes on with a run after a crash goes on with its trace. Undefined: a correlation id of another kind.
 */
export function traceContextOf(correlationId: string): string | undefined {
  return TRACE_CONTEXT.test(correlationId) ? correlationId : undefined;
}
