import { createPublicKey, verify } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import { verifyRegistry } from '../keys/key-registry.ts';
import type { VerifySignature } from '../keys/key-registry.ts';
import { checkSet } from './check-set.ts';
import type { Expectations, ReceiptSet } from './check-set.ts';
import { notApplicable, notRun, passed } from './conclusion.ts';
import { CHECK_ORDER, FAILURE_CLASSES } from './failure-classes.ts';
import { pinnedKey } from './key-checks.ts';
import type { Trust, TrustedKey } from './key-checks.ts';

const golden = new URL('../../../../contracts/golden/receipts/', import.meta.url);
const names = readdirSync(golden).filter((name) => name !== 'trust');

const verifySignature: VerifySignature = (spki, data, signature) =>
  verify('sha256', data, createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }), signature);

type Case = { readonly trust: { readonly key?: string; readonly registry?: string; readonly trustedTime?: string }; readonly expected: Expectations };

function keyOf(name: string): TrustedKey {
  const pem = readFileSync(new URL(`trust/${name}.pub`, golden), 'utf8');
  const key = pinnedKey(createPublicKey(pem).export({ format: 'der', type: 'spki' }).toString('base64'));
  if (key === undefined) throw new Error(`${name} is not a P-256 key`);
  return key;
}

function trustOf({ key, registry, trustedTime = undefined }: Case['trust']): Trust {
  const keys: TrustedKey[] = key === undefined ? [] : [keyOf(key)];
  if (registry !== undefined) {
    const envelope: unknown = JSON.parse(readFileSync(new URL(`trust/${registry}.json`, golden), 'utf8'));
    const verdict = verifyRegistry(envelope, keyOf('root').spki, verifySignature);
    if (verdict.kind === 'verified') keys.push(...verdict.registry.keys);
  }
  return { keys, verifySignature, trustedTime: trustedTime ?? null };
}

function setOf(name: string): ReceiptSet {
  const read = (file: string): Uint8Array | undefined => {
    const path = new URL(`${name}/${file}`, golden);
    return existsSync(path) ? readFileSync(path) : undefined;
  };
  return {
    bundle: read('receipt.sigstore.json'),
    events: read('events.jsonl'),
    manifest: read('manifest.json'),
    receipt: read('receipt.json'),
    ownKeyId: keyOf('signing').keyId,
  };
}

function check(name: string) {
  const { trust, expected } = JSON.parse(readFileSync(new URL(`${name}/case.json`, golden), 'utf8')) as Case;
  return checkSet(setOf(name), trustOf(trust), expected);
}

const pinned = trustOf({ key: 'signing' });
const statusOf = (set: ReceiptSet, trust: Trust, row: number) => checkSet(set, trust).results.find((result) => result.row === row)?.status;

describe('checkSet on golden sets', () => {
  it.each(names)('answers what the folder %s is named after', (name) => {
    const { ok, code, exitCode, results } = check(name);
    const expected = name.split('-')[0];
    expect(code ?? 'OK').toBe(expected);
    expect(ok).toBe(!name.endsWith('_fail'));
    expect(exitCode).toBe(code === null ? 0 : FAILURE_CLASSES[code].row);
    expect(results.map(({ row }) => row)).toEqual(CHECK_ORDER);
  });

  it('has a golden set of every class of rows 1 to 8', () => {
    const classes = Object.entries(FAILURE_CLASSES).flatMap(([code, { row }]) => (row <= 8 ? [code] : []));
    expect(new Set(names.map((name) => name.split('-')[0]))).toEqual(new Set([...classes, 'OK']));
  });

  it('says for each failed row what it means and what to do, and for no other', () => {
    for (const { status, code, meaning, remedy } of names.flatMap((name) => check(name).results)) {
      expect([code, meaning, remedy].every((text) => (status === 'failed' ? text !== null : text === null))).toBe(true);
    }
  });

  it('lets no changed byte of the set pass, wherever it is', () => {
    const set = setOf('OK-one-task');
    const files = ['bundle', 'events', 'manifest', 'receipt'] as const;
    const change = fc.tuple(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, ([file, position, mask]) => {
        const bytes = Buffer.from(set[file] ?? []);
        const index = position % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ mask;
        expect(checkSet({ ...set, [file]: bytes }, pinned).ok).toBe(false);
      }),
      { numRuns: 400 },
    );
  });
});

describe('checkSet', () => {
  const sound = setOf('OK-one-task');

  it('runs every check that can run, also after a failure', () => {
    const { results } = checkSet({ ...sound, manifest: undefined }, { ...pinned, keys: [] });
    expect(results.map(({ row, status }) => [row, status]).filter(([row]) => Number(row) <= 8)).toEqual([
      [1, 'failed'], [2, 'failed'], [3, 'not-run'], [4, 'not-run'], [5, 'passed'], [6, 'passed'], [7, 'passed'], [8, 'passed'],
    ]);
  });

  it('checks the history also where the bundle is not there or is not one', () => {
    for (const bundle of [undefined, Buffer.from('{}')]) {
      const { code, results, receipt, keyId } = checkSet({ ...sound, bundle }, pinned);
      expect([code, receipt, keyId]).toEqual(['MALFORMED', undefined, undefined]);
      expect(results.flatMap(({ row, status }) => (status === 'passed' ? [row] : []))).toEqual([6]);
    }
  });

  it('finds events of two streams where no receipt says which is right', () => {
    const one = Buffer.from(sound.events ?? []).toString('utf8').split('\n')[0];
    const other = Buffer.from(setOf('OK-fan-out').events ?? []).toString('utf8').split('\n')[1];
    const { results } = checkSet({ ...sound, bundle: undefined, events: Buffer.from(`${one}\n${other}\n`) }, pinned);
    expect(results.find(({ row }) => row === 6)).toMatchObject({ code: 'TAMPERED_EVENT' });
  });

  it('compares nothing with a file that is not there', () => {
    expect(statusOf({ ...sound, receipt: undefined }, pinned, 3)).toBe('passed');
    expect(statusOf({ ...sound, manifest: undefined }, pinned, 5)).toBe('passed');
    expect(statusOf({ ...sound, events: undefined }, pinned, 6)).toBe('not-run');
  });

  it('does not take the key of the set for trust when other trust was given', () => {
    expect(checkSet(sound, trustOf({ key: 'second' })).code).toBe('UNKNOWN_KEY');
    expect(checkSet({ ...sound, ownKeyId: null }, { ...pinned, keys: [] }).code).toBe('UNKNOWN_KEY');
  });

  it('passes a key without a start or an end at any trusted time', () => {
    expect(checkSet(sound, { ...pinned, trustedTime: '1999-01-01T00:00:00.000Z' }).ok).toBe(true);
    const ends = pinned.keys.map((key) => ({ ...key, notAfter: '2026-01-01T00:00:00.000Z' }));
    expect(checkSet(sound, { ...pinned, keys: ends, trustedTime: '2027-01-01T00:00:00.000Z' }).code).toBe('EXPIRED_KEY');
    const begins = pinned.keys.map((key) => ({ ...key, notBefore: '2027-01-01T00:00:00.000Z' }));
    expect(checkSet(sound, { ...pinned, keys: begins, trustedTime: '2026-01-01T00:00:00.000Z' }).code).toBe('EXPIRED_KEY');
  });

  it('pins P-256 keys only', () => {
    expect(pinnedKey('bm90IGEga2V5')).toBeUndefined();
  });

  it('counts a log failure before an event failure, whoever found it', () => {
    const others = [passed(10, 'included'), notApplicable(12, 'nothing is disclosed'), notRun(9, 'inputs are withheld')];
    expect(checkSet(sound, pinned, {}, { others }).ok).toBe(true);
    expect(checkSet(sound, pinned, {}, { required: 'policy', others })).toMatchObject({ code: 'PACK_UNAVAILABLE', exitCode: 9 });
    expect(checkSet(sound, pinned, {}, { required: 'logged', others }).ok).toBe(true);
    expect(checkSet(sound, pinned, {}, { required: 'logged' })).toMatchObject({ code: 'NOT_LOGGED', exitCode: 10 });
    expect(checkSet(sound, pinned, {}, { required: 'witnessed' })).toMatchObject({ code: 'UNWITNESSED', exitCode: 10 });
  });
});
