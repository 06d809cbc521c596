import { Fault } from '@maestro/ports';
import type { Log, Tracer } from '@maestro/ports';
import { ROOT_CONTEXT, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { openTracer } from './otel-tracer.ts';
import { parseTracingSettings } from './settings.ts';

const log: Log = { log: () => undefined };

/** What a tracer makes of some work, in the order in which the spans ended. */
async function spansOf(work: (tracer: Tracer) => Promise<void>, sampleRatio = 1): Promise<readonly ReadableSpan[]> {
  const parsed = parseTracingSettings({ url: 'http://127.0.0.1:1/v1/traces', serviceName: 'test', sampleRatio });
  if ('problems' in parsed) throw new Error(parsed.problems.join());
  const kept: ReadableSpan[] = [];
  const exporter = new InMemorySpanExporter();
  // shutting it down empties it
  exporter.shutdown = async () => void kept.push(...exporter.getFinishedSpans());
  const tracer = openTracer(parsed.settings, { log, version: '1', exporter });
  await work(tracer);
  await tracer.close();
  return kept;
}

describe('the tracer', () => {
  it('goes on below the traceparent that it is given, and passes its own on', async () => {
    const parent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
    let passed = '';
    const [span] = await spansOf((tracer) => tracer.span('below', { parent }, async (traceparent) => void (passed = traceparent)));
    expect(span?.spanContext().traceId).toBe('ab'.repeat(16));
    expect(span?.parentSpanContext?.spanId).toBe('cd'.repeat(8));
    expect(passed).toBe(`00-${'ab'.repeat(16)}-${span?.spanContext().spanId}-01`);
  });

  it('begins a trace without a parent, and below one that is no traceparent', async () => {
    const spans = await spansOf(async (tracer) => {
      await tracer.span('first', { parent: undefined }, async () => undefined);
      await tracer.span('second', { parent: 'nonsense' }, async () => undefined);
    });
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(2);
    expect(spans.map(({ parentSpanContext }) => parentSpanContext)).toEqual([undefined, undefined]);
  });

  it('tells spans that run at the same time apart', async () => {
    const spans = await spansOf(async (tracer) => {
      const pair = (name: string): Promise<void> =>
        tracer.span(`${name} outer`, { parent: undefined }, async (traceparent) => {
          await new Promise((resolve) => setImmediate(resolve));
          await tracer.span(`${name} inner`, { parent: traceparent }, async () => new Promise<void>((resolve) => setImmediate(resolve)));
        });
      await Promise.all([pair('a'), pair('b')]);
    });
    const byName = new Map(spans.map((span) => [span.name, span]));
    for (const name of ['a', 'b']) {
      expect(byName.get(`${name} inner`)?.parentSpanContext?.spanId).toBe(byName.get(`${name} outer`)?.spanContext().spanId);
    }
  });

  it('marks what failed with its code, never with its message', async () => {
    const spans = await spansOf(async (tracer) => {
      const fail = (error: Error): Promise<unknown> => tracer.span('fails', { parent: undefined }, () => Promise.reject(error)).catch((thrown: unknown) => expect(thrown).toBe(error));
      await fail(new Fault('STORE_READ_ONLY', 'the secret value'));
      await fail(new TypeError('the secret value'));
    });
    expect(spans.map(({ status, attributes }) => [status, attributes])).toEqual([
      [{ code: SpanStatusCode.ERROR }, { 'error.type': 'STORE_READ_ONLY' }],
      [{ code: SpanStatusCode.ERROR }, { 'error.type': 'TypeError' }],
    ]);
    expect(spans.flatMap(({ events }) => events)).toEqual([]);
  });

  it('records the share of traces that it was told, and keeps the choice of a caller', async () => {
    const flags: string[] = [];
    const spans = await spansOf(async (tracer) => {
      const note = async (traceparent: string): Promise<void> => void flags.push(traceparent.slice(-2));
      await tracer.span('own', { parent: undefined }, note);
      await tracer.span('wanted', { parent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` }, note);
      await tracer.span('unwanted', { parent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-00` }, note);
    }, 0);
    expect(spans.map(({ name }) => name)).toEqual(['wanted']);
    expect(flags).toEqual(['00', '01', '00']);
  });

  it('registers nothing: no global provider, and no context that follows calls', async () => {
    await spansOf((tracer) =>
      tracer.span('alone', { parent: undefined }, async () => {
        expect(trace.getActiveSpan()).toBeUndefined();
        expect(context.active()).toBe(ROOT_CONTEXT);
        expect(trace.getTracer('other').startSpan('x').isRecording()).toBe(false);
      }),
    );
  });
});
