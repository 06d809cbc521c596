import type { AnyEvent } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import type { OpenedPlace } from '@maestro/receipt';
import fc from 'fast-check';
import { decodePlaces, decodeSealed, encodePlaces, encodeSealed, openedPlacesOf, openedValue, seal, sealedPlacesOf } from './sealed-places.ts';

const SALT = '0'.repeat(32);
const failedWith = (detail: { commitment: string } | null, log: { commitment: string } | null): AnyEvent => ({
  type: 'execution.task-failed.v1',
  data: {
    taskId: 'a',
    attempt: 1,
    error: { code: 'BOOM', retryable: false, detail },
    final: true,
    runner: null,
    leaseId: null,
    startedAt: null,
    durationMs: null,
    argumentsCommitment: 'f'.repeat(64),
    log,
    costMicroUsd: 0,
  },
});

describe('the sealed places of an event', () => {
  it('are found in document order, with the pointers that they were sealed for', () => {
    const secrets = new Map<string, OpenedPlace>();
    const event = failedWith(seal(secrets, '/error/detail', SALT, 'why'), seal(secrets, '/log', SALT, ['line']));
    expect(sealedPlacesOf(event).map(({ pointer }) => pointer)).toEqual(['/error/detail', '/log']);
    expect(openedPlacesOf(event, secrets)).toEqual([
      ['/error/detail', SALT, 'why'],
      ['/log', SALT, ['line']],
    ]);
  });
  it('keys are escaped, and a commitment that is no text is no place', () => {
    const event = { type: 'x', data: { 'a/b~': [{ commitment: 'c1' }], other: { commitment: 7 }, none: null } } as unknown as AnyEvent;
    expect(sealedPlacesOf(event)).toEqual([{ pointer: '/a~1b~0/0', commitment: 'c1' }]);
  });
  it('only what this commit sealed is opened: commitments of others are left alone', () => {
    expect(openedPlacesOf(failedWith({ commitment: 'a'.repeat(64) }, null), new Map())).toEqual([]);
  });
  it('a value sealed for another place is a bug', () => {
    const secrets = new Map<string, OpenedPlace>();
    const event = failedWith(null, seal(secrets, '/output', SALT, 'x'));
    expect(() => openedPlacesOf(event, secrets)).toThrow('execution.task-failed.v1 carries at /log what was sealed for /output');
  });
});

describe('what is encrypted', () => {
  it.each([0, 1, 199, 200, 201, 455, 456, 457, 5_000])('%i characters are padded to a power of two of at least 256 bytes, and read back', (length) => {
    const places: OpenedPlace[] = [['/output', SALT, 'x'.repeat(length)]];
    const plaintext = encodePlaces(places);
    expect(plaintext.length).toBeGreaterThanOrEqual(256);
    expect(Math.log2(plaintext.length) % 1).toBe(0);
    expect(plaintext.length).toBeLessThan(2 * Math.max(256, JSON.stringify(places).length));
    expect(decodePlaces(plaintext)).toEqual(places);
  });
  it.each([256, 512])('what takes %i bytes exactly needs no more, one byte more needs twice as much', (size) => {
    const filled = (more: number) => encodePlaces([['/output', SALT, 'x'.repeat(size - JSON.stringify([['/output', SALT, '']]).length + more)]]);
    expect([filled(0).length, filled(1).length]).toEqual([size, 2 * size]);
  });
  it('any values come back, at a size that says no more than its power of two', () => {
    const places = fc.array(fc.tuple(fc.string(), fc.constant(SALT), fc.jsonValue() as fc.Arbitrary<Json>));
    fc.assert(
      fc.property(places, (drawn) => {
        const plaintext = encodePlaces(drawn);
        expect(plaintext.length >= 256 && Number.isInteger(Math.log2(plaintext.length))).toBe(true);
        expect(JSON.stringify(decodePlaces(plaintext))).toBe(JSON.stringify(drawn));
      }),
    );
  });
  it('the ciphertexts beside an event carry the names of their keys', () => {
    const parts = [
      { keyId: 'key-00000001', ciphertext: Uint8Array.of(0, 255, 7) },
      { keyId: 'key-00000002', ciphertext: new Uint8Array() },
    ];
    expect(decodeSealed(encodeSealed(parts)).map(({ keyId, ciphertext }) => [keyId, [...ciphertext]])).toEqual([
      ['key-00000001', [0, 255, 7]],
      ['key-00000002', []],
    ]);
  });
});

describe('an opened value', () => {
  const secrets = new Map<string, OpenedPlace>();
  const { commitment } = seal(secrets, '/output', SALT, null);
  const places: OpenedPlace[] = [['/log', SALT, 'x'], ['/output', SALT, null]];

  it('is what the event committed to: null is a value', () => {
    expect(openedValue(places, '/output', commitment)).toEqual({ value: null });
  });
  it.each<[string, OpenedPlace[], string]>([
    ['another value', [['/output', SALT, 1]], '/output'],
    ['another salt', [['/output', '1'.repeat(32), null]], '/output'],
    ['another place', [['/log', SALT, null]], '/log'],
    ['nothing at that place', [], '/output'],
  ])('%s is none', (_, given, pointer) => {
    expect(openedValue(given, pointer, commitment)).toBeUndefined();
  });
  it('the commitment is SHA-256 of salt, pointer and value together', () => {
    expect(seal(new Map(), '/output', SALT, 1).commitment).not.toBe(commitment);
    expect(seal(new Map(), '/log', SALT, null).commitment).not.toBe(commitment);
    expect(seal(new Map(), '/output', SALT, null).commitment).toBe(commitment);
  });
});
