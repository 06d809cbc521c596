import { validateStoredEventV1 } from '@maestro/contracts';
import type { AnyEvent } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import { ZERO_HASH, canonicalBytes, eventHash } from '@maestro/receipt';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { EMPTY_HEAD, prepareCommit, storedForm } from './stored-form.ts';
import type { Cause } from './stored-form.ts';

const NOW = '2026-01-05T10:00:00.000Z';
const cause: Cause = {
  tenant: 'default',
  stream: 'execution-01920000-0000-7000-8000-000000000001',
  commandId: 'c'.repeat(64),
  causationId: 'b'.repeat(64),
  correlationId: 'correlation',
  actor: 'user:local',
};
const cancelRequested = (comment: string): AnyEvent => ({ type: 'execution.cancel-requested.v1', data: { reason: null, comment, graceUntil: NOW } });
const skipped = (taskId: string): AnyEvent => ({ type: 'execution.task-skipped.v1', data: { taskId, reason: 'run-failing' } });
const draft = (manifest: { [key: string]: unknown }): AnyEvent => ({
  type: 'workflow.draft-saved.v1',
  data: { workflowId: 'greeting', version: '1.0.0', manifestDigest: 'a'.repeat(64), manifestSchema: 'manifest.v1', manifest, dataKeyId: 'key-00000001' },
});
const one = (event: AnyEvent, more: Partial<Cause> = {}) => prepareCommit(EMPTY_HEAD, { ...cause, ...more }, NOW, [event])[0] as ReturnType<typeof prepareCommit>[number];
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('the bytes of an event', () => {
  it.each([
    ['plain', cancelRequested('hello')],
    ['beyond ASCII', cancelRequested('Grüße, 🌍 \u2028\u0000\u001f\u007f "quoted" \\ /')],
    ['any keys and values', draft({ '\u20ac': 'Euro', '\r': 'CR', '1': 1e21, '\ud83d\ude02': [0.1, -0, 1e-7, 333333333.3333333], '': null, __proto__x: { b: true, a: [] } })],
  ])('are RFC 8785 of exactly its stored form: %s', (_, event) => {
    const { bytes, recorded } = one(event);
    expect(Buffer.from(bytes).toString()).toBe(Buffer.from(canonicalBytes(storedForm(recorded) as unknown as Json)).toString());
    expect(recorded.hash).toBe(eventHash(bytes));
  });
  it('are RFC 8785 whatever a draft holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 })), (manifest) => {
        const { bytes, recorded } = one(draft(manifest));
        expect(Buffer.from(bytes).equals(canonicalBytes(storedForm(recorded) as unknown as Json))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
  it('fit the schema of stored events, and hold no hash of themselves', () => {
    const stored = JSON.parse(Buffer.from(one(skipped('a')).bytes).toString()) as Record<string, unknown>;
    expect(validateStoredEventV1(stored)).toBe(true);
    expect(Object.keys(stored)).toEqual(['actor', 'at', 'causationId', 'commandId', 'correlationId', 'data', 'id', 'prev', 'revision', 'stream', 'tenant', 'type']);
  });
  it('any single byte of them changed changes the hash', () => {
    const { bytes, recorded } = one(cancelRequested('hello'));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, mask) => {
        const flipped = Uint8Array.from(bytes);
        flipped[index] = (flipped[index] as number) ^ mask;
        expect(eventHash(flipped)).not.toBe(recorded.hash);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the id of an event', () => {
  it('is the UUIDv8 of [stream, commandId, index, SHA-256 of the event without id]', () => {
    const [, second] = prepareCommit(EMPTY_HEAD, cause, NOW, [skipped('a'), skipped('b')]);
    const { id, ...withoutId } = storedForm((second as NonNullable<typeof second>).recorded);
    const digest = Buffer.from(sha256(JSON.stringify([cause.stream, cause.commandId, 1, sha256(canonicalBytes(withoutId as unknown as Json))])), 'hex');
    const expected = digest.toString('hex', 0, 16).replace(/^(.{8})(.{4}).(.{3})(.)(.{3})(.{12})$/, (_, a: string, b: string, c: string, d: string, e: string, f: string) => {
      const variant = ((Number.parseInt(d, 16) & 0x3) | 0x8).toString(16);
      return `${a}-${b}-8${c}-${variant}${e}-${f}`;
    });
    expect(id).toBe(expected);
  });
  it('the same arguments make the same bytes: a retry changes nothing', () => {
    const again = () => prepareCommit(EMPTY_HEAD, cause, NOW, [skipped('a'), skipped('b')]);
    expect(again()).toEqual(again());
  });
  it('two events of one commit with the same content have two ids, and so have two commands', () => {
    const [first, second] = prepareCommit(EMPTY_HEAD, cause, NOW, [skipped('a'), skipped('a')]);
    expect(first?.recorded.id).not.toBe(second?.recorded.id);
    expect(one(skipped('a'), { commandId: 'd'.repeat(64) }).recorded.id).not.toBe(one(skipped('a')).recorded.id);
  });
});

describe('the chain', () => {
  it('each event holds the hash of the one before, the first of a stream 64 zeros', () => {
    const first = prepareCommit(EMPTY_HEAD, cause, NOW, [skipped('a'), skipped('b')]);
    const next = prepareCommit((first[1] as NonNullable<(typeof first)[1]>).recorded, cause, NOW, [skipped('c')]);
    const all = [...first, ...next].map(({ recorded }) => recorded);
    expect(all.map(({ revision }) => revision)).toEqual([0, 1, 2]);
    expect(all.map(({ prev }) => prev)).toEqual([ZERO_HASH, all[0]?.hash, all[1]?.hash]);
  });
  it('time never runs backwards within a stream, and is one within a commit', () => {
    const head = { revision: 4, hash: 'e'.repeat(64), at: '2026-01-05T10:00:00.001Z' };
    expect(prepareCommit(head, cause, NOW, [skipped('a'), skipped('b')]).map(({ recorded }) => recorded.at)).toEqual([head.at, head.at]);
    const later = '2026-01-05T10:00:00.002Z';
    expect(prepareCommit(head, cause, later, [skipped('a')])[0]?.recorded.at).toBe(later);
    expect(prepareCommit(EMPTY_HEAD, cause, NOW, [])).toEqual([]);
  });
});

describe('what does not fit its schema', () => {
  it('is a bug that is found before anything is prepared, wherever it stands in the commit', () => {
    const wrong = { type: 'execution.task-skipped.v1', data: { taskId: 'a', reason: 'because' } } as unknown as AnyEvent;
    expect(() => prepareCommit(EMPTY_HEAD, cause, NOW, [skipped('a'), wrong])).toThrow('execution.task-skipped.v1 does not fit its schema');
    const more = { type: 'execution.task-skipped.v1', data: { taskId: 'a', reason: 'run-failing', secret: 1 } } as unknown as AnyEvent;
    expect(() => one(more)).toThrow('does not fit its schema');
  });
  it.each([{ commandId: 'c1' }, { actor: 'nobody' }, { tenant: '' }, { correlationId: 'a b' }, { causationId: 'x' }, { stream: 'Execution-1' }])('a cause that no reader would accept is one, too: %j', (bad) => {
    expect(() => one(skipped('a'), bad)).toThrow('the stored form of execution.task-skipped.v1 is wrong');
  });
  it('text that UTF-8 cannot carry is never stored, in the cause or in the data', () => {
    expect(() => one(skipped('a'), { correlationId: '\ud800' })).toThrow('surrogate');
    expect(() => one(cancelRequested('\ud800'))).toThrow('surrogate');
  });
  it('nor is a time that is none', () => {
    expect(() => prepareCommit(EMPTY_HEAD, cause, 'noon', [skipped('a')])).toThrow('/at');
  });
});
