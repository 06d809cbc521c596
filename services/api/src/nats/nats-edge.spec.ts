import { messageValidators } from '@maestro/contracts';
import type { CallerMessage, CallerSettlement, Consumption } from '@maestro/ports';
import { Fault } from '@maestro/ports';
import fc from 'fast-check';
import { Parts } from '../../fixtures/api.ts';
import { API_DEFAULTS } from '../settings.ts';
import { openNatsEdge } from './nats-edge.ts';

const RUNS = 500;
const START = { type: 'execution.start.v1', payload: { executionId: null, workflowId: 'greeting', version: null, inputs: {}, rollout: null, region: null } };
const idle: Consumption = { stop: async () => {} };

type Handlers = { answer: (message: CallerMessage) => Promise<Uint8Array | null>; refuse: (message: CallerMessage) => Uint8Array | null; takeIn: (message: CallerMessage) => Promise<CallerSettlement> };

/** The edge over a bus that a spec plays. */
function playedEdge(): Handlers & { readonly parts: Parts } {
  const parts = new Parts();
  const handlers: Partial<Handlers> = {};
  const { gateway, log } = parts;
  const { clock, entropy, metrics } = parts.dependencies({}, {});
  openNatsEdge({
    messages: {
      serve: (answer, refuse) => (Object.assign(handlers, { answer, refuse }), idle),
      takeIn: (takeIn) => (Object.assign(handlers, { takeIn }), idle),
    },
    gateway,
    queries: { execute: async () => ({}) },
    clock,
    entropy,
    metrics,
    log,
    settings: API_DEFAULTS,
    workers: new Set(),
  });
  return { parts, ...(handlers as Handlers) };
}

const message = (body: unknown, more: Partial<CallerMessage> = {}): CallerMessage => ({
  address: 'alice.execution.start',
  replyTo: '_INBOX_alice.x',
  headers: new Map([['commandId', 'one']]),
  body: body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)),
  ...more,
});
const documentOf = (bytes: Uint8Array | null): { readonly code?: string; readonly ok?: boolean } => JSON.parse(Buffer.from(bytes ?? []).toString());

const address = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('alice.execution.start', 'alice.query.execution', 'alice.task.heartbeat', 'alice.query.command', 'alice.workflow.save-draft') }, fc.string(), fc.constant('a.b'));
const replyTo = fc.oneof({ weight: 3, arbitrary: fc.constant('_INBOX_alice.x') }, fc.constantFrom('_INBOX_alice.*', '_INBOX_alice.>', '_INBOX_bob.x', null), fc.string());
const text = fc.oneof(fc.json(), fc.string(), fc.constantFrom(JSON.stringify(START), '{"type":"execution.start.v1","__proto__":{}}', '[', `${'['.repeat(5_000)}`, '{"a":1,"a":2}'));
const body = fc.oneof(text.map((each): Uint8Array => Buffer.from(each)), fc.uint8Array());
const headers = fc.dictionary(fc.oneof(fc.constantFrom('commandId', 'traceparent', 'Mc-Token', 'Mc-Actor', '__proto__'), fc.string()), fc.string()).map((each) => new Map(Object.entries(each)));
const garbage = fc.record({ address, replyTo, headers, body });

describe('the NATS edge', () => {
  it('ends every message in an answer or in silence, whatever it holds', async () => {
    const { answer, takeIn, parts } = playedEdge();
    let refused = 0;
    const seed = 20_391;
    await fc.assert(
      fc.asyncProperty(garbage, async (each) => {
        const bytes = await answer(each);
        if (bytes !== null) {
          const document = documentOf(bytes);
          const isFit = document.code === undefined || messageValidators['problem.v1'](document);
          if (document.code !== undefined) refused += 1;
          expect([isFit, document.code]).toEqual([true, document.code === 'BUG' ? 'no bug' : document.code]);
          expect(each.replyTo).toMatch(/^_INBOX_alice\.[\w-]+$/);
        }
        expect(await takeIn(each)).toEqual({ kind: 'done' });
      }),
      { seed, numRuns: RUNS },
    );
    expect(refused).toBeGreaterThan(RUNS / 10);
    // whatever came through named its sender by its subject
    for (const { actor } of parts.gateway.sent) expect(actor).toMatch(/^user:[\w-]+$/);
  });

  it('answers a bug below it as a bug, and goes on', async () => {
    const { answer, parts } = playedEdge();
    parts.gateway.answer = () => {
      throw new TypeError('planted');
    };
    expect(documentOf(await answer(message(START)))).toMatchObject({ code: 'BUG', status: 500 });
    parts.gateway.answer = () => ({ kind: 'ok', position: '1', result: {} });
    expect(documentOf(await answer(message(START)))).toMatchObject({ ok: true });
  });

  it('says that a fault may pass', async () => {
    const { answer, takeIn, parts } = playedEdge();
    parts.gateway.answer = () => {
      throw new Fault('STORE_OUTCOME_UNKNOWN', 'planted', { retryable: true });
    };
    expect(documentOf(await answer(message(START)))).toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN', status: 503 });
    expect(await takeIn(message(START, { replyTo: null }))).toMatchObject({ kind: 'again' });
  });

  it('keeps a durable command that was not decided on, and forgets one that was refused', async () => {
    const { takeIn, parts } = playedEdge();
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: 'CONFLICT_RETRIES_EXHAUSTED', detail: '' } });
    expect(await takeIn(message(START))).toMatchObject({ kind: 'again' });
    parts.gateway.answer = () => ({ kind: 'refused', rejection: { code: 'WORKFLOW_NOT_FOUND', detail: '' } });
    expect(await takeIn(message(START))).toEqual({ kind: 'done' });
  });

  it('tells whom it cannot serve now to come back, in their own inbox only', () => {
    const { refuse } = playedEdge();
    expect(documentOf(refuse(message(START)))).toMatchObject({ code: 'QUEUE_FULL', status: 503 });
    expect(refuse(message(START, { replyTo: '_INBOX_bob.x' }))).toBeNull();
  });

  it('reads no command larger than REST does', async () => {
    const { answer } = playedEdge();
    expect(documentOf(await answer(message(Buffer.alloc(API_DEFAULTS.bodyBytesMax + 1))))).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });
});
