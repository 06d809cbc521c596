import { traceContextOf } from './trace-context.ts';

const context = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;

describe('the trace context of a correlation id', () => {
  it('is the correlation id itself where it is a W3C traceparent, of any version that may come', () => {
    expect(traceContextOf(context)).toBe(context);
    expect(traceContextOf(`cc${context.slice(2)}`)).toBe(`cc${context.slice(2)}`);
  });

  it.each([
    ['a request id', '0190b6d2-5b1c-7e52-b1a8-6b8f1b7c9a11'],
    ['the name of a stream', 'execution-018f'],
    ['the invalid version', `ff${context.slice(2)}`],
    ['no trace id', `00-${'0'.repeat(32)}-${'b2'.repeat(8)}-01`],
    ['no span id', `00-${'a1'.repeat(16)}-${'0'.repeat(16)}-01`],
    ['upper case', context.toUpperCase()],
    ['more behind it', `${context}-00`],
  ])('is none: %s', (_, correlationId) => {
    expect(traceContextOf(correlationId)).toBeUndefined();
  });
});
