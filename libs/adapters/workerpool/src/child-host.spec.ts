import type { Json, JsonObject } from '@maestro/domain';
import type { PackageContext } from '@maestro/worker';
import { definePackage } from '@maestro/worker';
import { ChildHost } from './child-host.ts';
import type { ChildEvent, ChildRequest } from './child-protocol.ts';

type Run = (input: Json, context: PackageContext) => Json | Promise<Json>;

const request: ChildRequest = {
  moduleUrl: 'file:///m.ts',
  uses: 'pkg:test/one@1.0.0',
  input: {},
  context: { executionId: 'e', taskId: 't', attempt: 1, idempotencyKey: 'k', conductorUrl: null, timeoutMs: 1000 },
  settings: { a: 1 },
  outputLimits: { largeBytes: 1_000, maxBytes: 1_000_000 },
  reportMemory: false,
};

const hostOf = (run: Run, o: { rssBytes?: number; isIntact?: boolean; imports?: () => Promise<never>; outputSchema?: JsonObject } = {}) => {
  const events: ChildEvent[] = [];
  const exits: number[] = [];
  const closed = { type: 'object', additionalProperties: false } as const;
  const one = definePackage({
    name: 'pkg:test/one',
    version: '1.0.0',
    description: '',
    inputSchema: closed,
    outputSchema: o.outputSchema ?? closed,
    expectedDurationMs: 1,
    run,
  });
  let imported = 0;
  const host = new ChildHost(
    {
      pid: 42,
      emit: (event) => events.push(event),
      rssBytes: () => o.rssBytes ?? 10,
      isIntact: () => o.isIntact ?? true,
      exit: (code) => exits.push(code),
      import: o.imports ?? (async () => ((imported += 1), { packages: [one] })),
    },
    { reuseRssMaxBytes: 100 },
  );
  return { host, events, exits, imports: () => imported };
};
/** Until the host has said that it gives its last answer. */
const lastAnswer = async (events: readonly ChildEvent[]): Promise<ChildEvent | undefined> => {
  while (!events.some(({ kind }) => kind === 'last-answer')) await new Promise((resolve) => setImmediate(resolve));
  return events.at(-1);
};

describe('ChildHost', () => {
  it('says that it has started before the package runs, then its log, then answers', async () => {
    const { host, events } = hostOf((_input, { log, settings, attempt }) => {
      expect(events).toEqual([{ kind: 'started', pid: 42 }]);
      log('one');
      log('two\n');
      return { settings, attempt };
    });
    expect(await host.run(request)).toEqual({ kind: 'output', text: '{"settings":{"a":1},"attempt":1}' });
    expect(events).toEqual([
      { kind: 'started', pid: 42 },
      { kind: 'log', text: 'one\ntwo\n' },
    ]);
  });

  it('imports a module once, and tells a module that does not load, or lacks the package', async () => {
    const { host, imports } = hostOf(() => ({}));
    await host.load(['file:///m.ts']);
    await host.run(request);
    expect(imports()).toBe(1);
    expect(await host.run({ ...request, uses: 'pkg:test/two@1.0.0' })).toMatchObject({
      failure: { code: 'PACKAGE_UNAVAILABLE', retryable: false },
    });
    const broken = hostOf(() => ({}), { imports: () => Promise.reject(new Error('no such file')) });
    await broken.host.load(['file:///m.ts']);
    expect(await broken.host.run(request)).toMatchObject({ failure: { code: 'PACKAGE_UNAVAILABLE' } });
    expect(broken.events).toMatchObject([
      { kind: 'started' },
      { kind: 'log', text: expect.stringContaining('no such file') },
    ]);
  });

  it('sends its log early when much comes, and no more of it than a cut needs', async () => {
    const { host, events } = hostOf((_input, { log }) => {
      log('x'.repeat(10_000));
      expect(events).toHaveLength(2);
      for (let i = 0; i < 3; i += 1) log('y'.repeat(600_000));
      return {};
    });
    await host.run(request);
    const sent = events.flatMap((event) => (event.kind === 'log' ? [event.text.length] : []));
    expect(sent.reduce((sum, length) => sum + length, 0)).toBe(1_048_577);
  });

  it('sends its log soon when the package goes on, and at once when the process ends', async () => {
    const { host, events } = hostOf(async (_input, { log }) => {
      log('soon');
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(events.at(-1)).toEqual({ kind: 'log', text: 'soon\n' });
      log('last');
      host.onExit();
      expect(events.at(-1)).toEqual({ kind: 'log', text: 'last\n' });
      return {};
    });
    expect(await host.run(request)).toMatchObject({ kind: 'output' });
  });

  it('takes what is printed during a task into its log, and drops what is printed after it', async () => {
    const { host, events } = hostOf(() => (host.onOutput('printed\n'), {}));
    await host.run(request);
    host.onOutput('after\n');
    expect(events.slice(1)).toEqual([{ kind: 'log', text: 'printed\n' }]);
  });

  it('fails the task that an uncaught error belongs to, as its last answer', async () => {
    const { host, events } = hostOf(() => {
      host.onUncaught(new Error('nobody caught this'));
      return new Promise<never>(() => undefined);
    });
    void host.run(request);
    expect(await lastAnswer(events)).toMatchObject({
      kind: 'last-answer',
      answer: { failure: { code: 'PACKAGE_CRASHED', retryable: true } },
    });
    expect(events[1]).toMatchObject({ kind: 'log', text: expect.stringContaining('nobody caught this') });
  });

  it('does not blame the running task for the error of one before it', async () => {
    let late = (): void => undefined;
    const { host, events } = hostOf(async (_input, { attempt }) => {
      if (attempt === 1) {
        const gate = Promise.withResolvers<void>();
        late = gate.resolve;
        void gate.promise.then(() => host.onUncaught(new Error('late')));
        return { first: true };
      }
      late();
      await new Promise((resolve) => setImmediate(resolve));
      return { second: true };
    });
    expect(await host.run(request)).toMatchObject({ kind: 'output' });
    void host.run({ ...request, context: { ...request.context, attempt: 2 } });
    expect(await lastAnswer(events)).toEqual({ kind: 'last-answer', answer: { kind: 'output', text: '{"second":true}' } });
  });

  it('ends instead of starting a task after an error that came while it was idle', async () => {
    const { host, exits } = hostOf(() => ({}));
    host.onUncaught(new Error('idle'));
    void host.run(request);
    expect(exits).toEqual([1]);
  });

  it('passes an abort on, and is not used after it', async () => {
    const { host, events } = hostOf((_input, { signal }) => {
      const stopped = new Promise<Json>((resolve) =>
        signal.addEventListener('abort', () => resolve({ reason: String(signal.reason) })),
      );
      host.onAbort();
      return stopped;
    });
    void host.run(request);
    expect(await lastAnswer(events)).toMatchObject({
      answer: { kind: 'output', text: '{"reason":"AbortError: the task was cancelled"}' },
    });
  });

  it('is not used again when it holds much memory', async () => {
    const { host, events } = hostOf(() => ({}), { rssBytes: 101 });
    void host.run(request);
    expect(await lastAnswer(events)).toEqual({ kind: 'last-answer', answer: { kind: 'output', text: '{}' } });
  });

  it('whose package changed what all tasks share gives its answer as its last', async () => {
    const { host, events } = hostOf(() => ({}), { isIntact: false });
    void host.run(request);
    expect(await lastAnswer(events)).toEqual({ kind: 'last-answer', answer: { kind: 'output', text: '{}' } });
  });

  it('tells its memory while it runs, where it is asked to', async () => {
    const { host, events } = hostOf(() => new Promise((resolve) => setTimeout(() => resolve({}), 250)));
    await host.run({ ...request, reportMemory: true });
    expect(events).toContainEqual({ kind: 'memory', rssBytes: 10 });
  });

  it('sends a large output ahead in parts that cut no character in two', async () => {
    const value = `a${'é'.repeat(200_000)}`;
    const { host, events } = hostOf(() => ({ value }), { outputSchema: { type: 'object', additionalProperties: false, properties: { value: {} } } });
    const answer = await host.run(request);
    const parts = events.flatMap((event) => (event.kind === 'output-part' ? [event.text] : []));
    expect([parts.length, parts.join('')]).toEqual([2, JSON.stringify({ value })]);
    expect(answer).toEqual({ kind: 'output-parts', sizeBytes: Buffer.byteLength(parts.join('')) });
  });
});
