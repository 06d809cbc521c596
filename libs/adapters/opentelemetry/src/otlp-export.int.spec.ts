import type { Log } from '@maestro/ports';
import { OtlpReceiver } from '../fixtures/otlp-receiver.ts';
import { openTracer } from './otel-tracer.ts';
import { parseTracingSettings } from './settings.ts';
import type { TracingSettings, TracingSettingsInput } from './settings.ts';

let receiver: OtlpReceiver;
let lines: string[];
beforeEach(async () => {
  receiver = await OtlpReceiver.open();
  lines = [];
});
afterEach(() => receiver.close());

const log: Log = { log: (level, message, fields) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`) };
function settingsOf(more: Partial<TracingSettingsInput> = {}): TracingSettings {
  const parsed = parseTracingSettings({ url: receiver.url, serviceName: 'maestro-test', exportEveryMs: 10, exportTimeoutMs: 1_000, ...more });
  if ('problems' in parsed) throw new Error(parsed.problems.join('; '));
  return parsed.settings;
}
const nothing = async (): Promise<void> => undefined;

describe('export of spans over OTLP/HTTP', () => {
  it('carries names, ids, attributes and the service; a parent and its child are one trace', async () => {
    const tracer = openTracer(settingsOf({ headers: { 'x-tenant': 'acme' } }), { log, version: '1.2.3' });
    await tracer.span('receive', { parent: undefined, kind: 'server' }, async (traceparent) => {
      await tracer.span('append', { parent: traceparent, attributes: { 'maestro.stream': 'execution-1', 'maestro.events': 2 } }, nothing);
    });
    await tracer.close();
    expect(receiver.spans.map(({ name, kind }) => [name, kind])).toEqual([['append', 1], ['receive', 2]]);
    const [append, receive] = receiver.spans;
    expect(append).toMatchObject({ traceId: receive?.traceId, parentSpanId: receive?.spanId });
    expect(receive?.parentSpanId).toBeUndefined();
    expect(append?.attributes).toEqual([{ key: 'maestro.stream', value: { stringValue: 'execution-1' } }, { key: 'maestro.events', value: { intValue: 2 } }]);
    expect(receiver.resources[0]).toEqual(expect.arrayContaining([{ key: 'service.name', value: { stringValue: 'maestro-test' } }, { key: 'service.version', value: { stringValue: '1.2.3' } }]));
    expect(receiver.headers[0]).toMatchObject({ 'x-tenant': 'acme', 'content-type': 'application/json' });
  });

  it('goes on by itself while the process works', async () => {
    const tracer = openTracer(settingsOf(), { log, version: '1' });
    await tracer.span('one', { parent: undefined }, nothing);
    while (receiver.spans.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await tracer.close();
    expect(receiver.spans.map(({ name }) => name)).toEqual(['one']);
  });

  it('that is refused fails nobody, and is logged once, without what was sent', async () => {
    receiver.mode = 'refuse';
    const tracer = openTracer(settingsOf({ headers: { authorization: 'secret-token' } }), { log, version: '1' });
    for (let i = 1; i <= 3; i += 1) {
      expect(await tracer.span(`span-${i}`, { parent: undefined }, async () => i)).toBe(i);
      while (receiver.requestCount < i) await new Promise((resolve) => setImmediate(resolve));
    }
    await tracer.close();
    expect(lines).toEqual([expect.stringMatching(/^warn spans are not taken/)]);
    expect(lines.join()).not.toMatch(/secret-token|span-1/);
  });

  it('is logged when it works again, with how many spans were lost', async () => {
    receiver.mode = 'refuse';
    const tracer = openTracer(settingsOf(), { log, version: '1' });
    await tracer.span('lost', { parent: undefined }, nothing);
    while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    receiver.mode = 'take';
    await tracer.span('taken', { parent: undefined }, nothing);
    await tracer.close();
    expect(lines[1]).toBe('info spans are taken again {"lostCount":1}');
    expect(receiver.spans.map(({ name }) => name)).toEqual(['taken']);
  });

  it('to a collector that does not answer ends in time when the process does', async () => {
    receiver.mode = 'silent';
    const tracer = openTracer(settingsOf({ exportTimeoutMs: 200 }), { log, version: '1' });
    await tracer.span('waits', { parent: undefined }, nothing);
    await tracer.close();
    await tracer.close();
    expect(receiver.spans).toEqual([]);
  });

  it('drops what does not fit into the queue, and keeps nobody waiting', async () => {
    const tracer = openTracer(settingsOf({ queueMax: 16, exportEveryMs: 60_000 }), { log, version: '1' });
    receiver.mode = 'silent';
    await Promise.all(Array.from({ length: 100 }, (_, i) => tracer.span(`span ${i}`, { parent: undefined }, nothing)));
    receiver.mode = 'take';
    await tracer.close();
    // what waits, and one export that is under way
    expect(receiver.spans.length).toBeLessThanOrEqual(2 * 16);
  });
});
