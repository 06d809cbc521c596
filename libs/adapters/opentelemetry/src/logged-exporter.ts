import type { Log } from '@maestro/ports';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

type Result = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** Says once when spans begin to get lost, and once when they arrive again. Loss of spans fails nobody. */
export class LoggedExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #log: Log;
  #lostCount = 0;

  constructor(inner: SpanExporter, log: Log) {
    this.#inner = inner;
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: (result: Result) => void): void {
    this.#inner.export(spans, (result) => {
      if (result.error === undefined) this.#arrived();
      else this.#lost(spans.length, result.error);
      done(result);
    });
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush?.() ?? Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  #arrived(): void {
    if (this.#lostCount > 0) this.#log.log('info', 'spans are taken again', { lostCount: this.#lostCount });
    this.#lostCount = 0;
  }

  #lost(count: number, error: Error): void {
    // the message only: an error of a response holds its body
    if (this.#lostCount === 0) this.#log.log('warn', 'spans are not taken and are dropped until they are', { reason: error.message });
    this.#lostCount += count;
  }
}
