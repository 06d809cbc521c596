import { createHmac } from 'node:crypto';
import type { DataKeyId, KeyTransfer, KeyVault } from '@maestro/ports';
import { conformanceSuite } from './matrix.ts';
import type { ConformanceCase, ConformanceOptions } from './matrix.ts';

export type KeyVaultHarness = {
  readonly vault: KeyVault & KeyTransfer;
  /** Closes the vault and opens the same keys again; an adapter that keeps nothing has none. */
  reopen?(): Promise<KeyVault & KeyTransfer>;
  dispose(): Promise<void>;
};

/** The rules of the KeyVault port, for every adapter. */
export function keyVaultConformance(adapter: string, factory: () => Promise<KeyVaultHarness>, o: ConformanceOptions = {}): void {
  conformanceSuite('key-vault', adapter, [...keyCases, ...sealCases, ...endCases, ...moveCases], factory, o);
}

const EVENT = '0192f2b0-0000-8000-8000-000000000001';
const UNKNOWN_KEY = 'k-00000000-00-00000000';
const plain = Buffer.from('a value of a user');
const fault = (code: string): object => expect.objectContaining({ name: 'Fault', code }) as object;
const sealPlain = (vault: KeyVault, keyId: DataKeyId) => vault.seal({ keyId, eventId: EVENT, plaintext: plain });

type Rule = ConformanceCase<KeyVaultHarness>;

const keyCases: readonly Rule[] = [
  {
    number: 1,
    name: 'created-ids-are-well-formed-and-distinct',
    async run({ vault }) {
      // More than two pools of any adapter that makes keys ahead.
      const ids = await Promise.all(Array.from({ length: 700 }, (_, i) => vault.create(`execution:${i}`)));
      expect(new Set(ids).size).toBe(700);
      for (const id of ids) expect(id).toMatch(/^[a-z0-9-]{8,64}$/);
    },
  },
  {
    number: 2,
    name: 'one-scope-twice-is-two-keys',
    async run({ vault }) {
      const [a, b] = [await vault.create('execution:1'), await vault.create('execution:1')];
      expect(await vault.derive(a, 'x')).not.toEqual(await vault.derive(b, 'x'));
    },
  },
  {
    number: 3,
    name: 'unknown-key-is-missing',
    async run({ vault }) {
      await vault.create('execution:1');
      for (const keyId of [UNKNOWN_KEY, 'no-such-key', '../../etc/passwd', '']) {
        await expect(sealPlain(vault, keyId)).rejects.toEqual(fault('KEY_MISSING'));
        await expect(vault.open(keyId, EVENT, Buffer.alloc(64))).rejects.toEqual(fault('KEY_MISSING'));
        await expect(vault.derive(keyId, 'x')).rejects.toEqual(fault('KEY_MISSING'));
        await expect(vault.destroy(keyId)).rejects.toEqual(fault('KEY_MISSING'));
      }
    },
  },
  {
    number: 4,
    name: 'derive-is-deterministic-and-separates-contexts',
    async run({ vault }) {
      const [a, b] = [await vault.create('execution:1'), await vault.create('execution:2')];
      const derived = await vault.derive(a, 'salt:é');
      expect(derived).toHaveLength(32);
      expect(await vault.derive(a, 'salt:é')).toEqual(derived);
      expect(await vault.derive(a, 'salt:e')).not.toEqual(derived);
      expect(await vault.derive(b, 'salt:é')).not.toEqual(derived);
      // HMAC with an empty key is what a lost key would look like.
      expect(Buffer.from(derived)).not.toEqual(createHmac('sha256', Buffer.alloc(32)).update('salt:é').digest());
    },
  },
];

const sealCases: readonly Rule[] = [
  {
    number: 5,
    name: 'seal-open-roundtrip',
    async run({ vault }) {
      const keyId = await vault.create('execution:1');
      for (const plaintext of [Buffer.alloc(0), plain, Buffer.alloc(70_000, 7)]) {
        const sealed = await vault.seal({ keyId, eventId: EVENT, plaintext });
        expect(sealed).toHaveLength(12 + plaintext.length + 16);
        expect(Buffer.from(await vault.open(keyId, EVENT, sealed)).equals(plaintext)).toBe(true);
      }
    },
  },
  {
    number: 6,
    name: 'seal-hides-and-never-repeats',
    async run({ vault }) {
      const keyId = await vault.create('execution:1');
      const sealed = await Promise.all(Array.from({ length: 50 }, () => sealPlain(vault, keyId)));
      expect(new Set(sealed.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(50);
      expect(new Set(sealed.map((bytes) => Buffer.from(bytes.subarray(0, 12)).toString('hex'))).size).toBe(50);
      for (const bytes of sealed) expect(Buffer.from(bytes).includes(plain)).toBe(false);
    },
  },
  {
    number: 7,
    name: 'open-under-another-event-refused',
    async run({ vault }) {
      const keyId = await vault.create('execution:1');
      const sealed = await sealPlain(vault, keyId);
      await expect(vault.open(keyId, EVENT.replace(/1$/, '2'), sealed)).rejects.toEqual(fault('SEAL_DAMAGED'));
    },
  },
  {
    number: 8,
    name: 'open-under-another-key-refused',
    async run({ vault }) {
      const [a, b] = [await vault.create('execution:1'), await vault.create('execution:2')];
      await expect(vault.open(b, EVENT, await sealPlain(vault, a))).rejects.toEqual(fault('SEAL_DAMAGED'));
    },
  },
  {
    number: 9,
    name: 'any-flipped-bit-refused',
    async run({ vault }) {
      const keyId = await vault.create('execution:1');
      const sealed = await sealPlain(vault, keyId);
      for (let at = 0; at < sealed.length; at++) {
        const flipped = Uint8Array.from(sealed);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        await expect(vault.open(keyId, EVENT, flipped)).rejects.toEqual(fault('SEAL_DAMAGED'));
      }
    },
  },
  {
    number: 10,
    name: 'cut-ciphertext-refused',
    async run({ vault }) {
      const keyId = await vault.create('execution:1');
      const sealed = await sealPlain(vault, keyId);
      for (const length of [0, 1, 12, 27, 28, sealed.length - 1]) {
        await expect(vault.open(keyId, EVENT, sealed.subarray(0, length))).rejects.toEqual(fault('SEAL_DAMAGED'));
      }
    },
  },
];

const endCases: readonly Rule[] = [
  {
    number: 11,
    name: 'destroyed-key-opens-nothing',
    async run({ vault }) {
      const [gone, kept] = [await vault.create('execution:1'), await vault.create('execution:2')];
      const [sealedGone, sealedKept] = [await sealPlain(vault, gone), await sealPlain(vault, kept)];
      await vault.destroy(gone);
      await vault.destroy(gone);
      await expect(vault.open(gone, EVENT, sealedGone)).rejects.toEqual(fault('KEY_DESTROYED'));
      await expect(sealPlain(vault, gone)).rejects.toEqual(fault('KEY_DESTROYED'));
      await expect(vault.derive(gone, 'x')).rejects.toEqual(fault('KEY_DESTROYED'));
      expect(Buffer.from(await vault.open(kept, EVENT, sealedKept)).equals(plain)).toBe(true);
    },
  },
  {
    number: 12,
    name: 'keys-and-destruction-survive-reopen',
    needs: ['reopen'],
    async run({ vault, reopen }) {
      const [kept, gone] = [await vault.create('execution:1'), await vault.create('execution:2')];
      const [sealed, derived] = [await sealPlain(vault, kept), await vault.derive(kept, 'salt')];
      await vault.destroy(gone);
      const again = await reopen?.();
      if (again === undefined) throw new Error('the binding has no reopen');
      expect(Buffer.from(await again.open(kept, EVENT, sealed)).equals(plain)).toBe(true);
      expect(await again.derive(kept, 'salt')).toEqual(derived);
      await expect(again.derive(gone, 'salt')).rejects.toEqual(fault('KEY_DESTROYED'));
    },
  },
  {
    number: 13,
    name: 'no-key-is-handed-out-again-after-reopen',
    needs: ['reopen'],
    async run({ vault, reopen }) {
      const before = await Promise.all(Array.from({ length: 20 }, () => vault.create('execution:1')));
      const tags = await Promise.all(before.map((id) => vault.derive(id, 'tag')));
      const again = await reopen?.();
      if (again === undefined) throw new Error('the binding has no reopen');
      const after = await Promise.all(Array.from({ length: 300 }, () => again.create('execution:2')));
      expect(after.filter((id) => before.includes(id))).toEqual([]);
      const known = new Set(tags.map((tag) => Buffer.from(tag).toString('hex')));
      for (const id of after) expect(known.has(Buffer.from(await again.derive(id, 'tag')).toString('hex'))).toBe(false);
    },
  },
  {
    number: 14,
    name: 'closed-vault-refuses-everything',
    async run({ vault }) {
      const keyId = await vault.create('execution:1');
      const sealed = await sealPlain(vault, keyId);
      await vault.close();
      await vault.close();
      const calls = [
        vault.create('x'),
        sealPlain(vault, keyId),
        vault.open(keyId, EVENT, sealed),
        vault.derive(keyId, 'x'),
        vault.destroy(keyId),
        vault.reveal(keyId),
        vault.adopt([]),
      ];
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toEqual({ status: 'rejected', reason: fault('STORE_CLOSED') });
      }
    },
  },
];

const key32 = (fill: number): Uint8Array => Buffer.alloc(32, fill);
/** Ids of every form that an adapter makes. */
const FOREIGN = ['k-0badcafe-07-1234abcd', 'k-0badcafe0badcafe-07-1234abcd', 'k-0badcafe0badcafe-12'];

const moveCases: readonly Rule[] = [
  {
    number: 15,
    name: 'a-revealed-key-seals-the-same',
    async run({ vault }) {
      const keyId = await vault.create('execution:1');
      const key = await vault.reveal(keyId);
      expect(key).toHaveLength(32);
      expect(Buffer.from(await vault.derive(keyId, 'x'))).toEqual(createHmac('sha256', key).update('x').digest());
      await vault.destroy(keyId);
      await expect(vault.reveal(keyId)).rejects.toEqual(fault('KEY_DESTROYED'));
      await expect(vault.reveal(UNKNOWN_KEY)).rejects.toEqual(fault('KEY_MISSING'));
    },
  },
  {
    number: 16,
    name: 'keys-of-other-vaults-are-adopted-under-their-ids',
    async run({ vault }) {
      await vault.adopt(FOREIGN.map((keyId, i) => ({ keyId, key: key32(i + 1) })));
      for (const [i, keyId] of FOREIGN.entries()) {
        expect(Buffer.from(await vault.derive(keyId, 'x'))).toEqual(createHmac('sha256', key32(i + 1)).update('x').digest());
        expect(Buffer.from(await vault.open(keyId, EVENT, await sealPlain(vault, keyId))).equals(plain)).toBe(true);
        expect(Buffer.from(await vault.reveal(keyId))).toEqual(Buffer.from(key32(i + 1)));
      }
      await expect(vault.derive('k-0badcafe-07-1234abce', 'x')).rejects.toEqual(fault('KEY_MISSING'));
    },
  },
  {
    number: 17,
    name: 'adopting-again-changes-nothing',
    async run({ vault }) {
      const own = await vault.create('execution:1');
      const keys = [...FOREIGN.map((keyId, i) => ({ keyId, key: key32(i + 1) })), { keyId: own, key: await vault.reveal(own) }];
      await vault.adopt(keys);
      await vault.adopt(keys);
      await expect(vault.adopt([{ keyId: 'k-00000000-00-0000000a', key: key32(9) }, { keyId: FOREIGN[0] ?? '', key: key32(8) }])).rejects.toEqual(fault('KEY_EXISTS'));
      await expect(vault.reveal('k-00000000-00-0000000a')).rejects.toEqual(fault('KEY_MISSING'));
      await expect(vault.adopt([{ keyId: own, key: key32(8) }])).rejects.toEqual(fault('KEY_EXISTS'));
      await expect(vault.adopt([{ keyId: '../../etc/passwd', key: key32(8) }])).rejects.toEqual(fault('KEY_MISSING'));
      expect(Buffer.from(await vault.reveal(FOREIGN[0] ?? ''))).toEqual(Buffer.from(key32(1)));
    },
  },
  {
    number: 18,
    name: 'what-was-destroyed-is-adopted-as-destroyed',
    async run({ vault }) {
      const [gone = '', kept = '', later = ''] = FOREIGN;
      await vault.adopt([{ keyId: gone, key: null }, { keyId: kept, key: key32(2) }, { keyId: later, key: key32(3) }]);
      await expect(vault.derive(gone, 'x')).rejects.toEqual(fault('KEY_DESTROYED'));
      await vault.destroy(later);
      // destroyed stays destroyed, on either side
      await vault.adopt([{ keyId: gone, key: key32(1) }, { keyId: kept, key: null }, { keyId: later, key: key32(3) }]);
      for (const keyId of FOREIGN) await expect(vault.reveal(keyId)).rejects.toEqual(fault('KEY_DESTROYED'));
    },
  },
  {
    number: 19,
    name: 'adopted-keys-survive-reopen',
    needs: ['reopen'],
    async run({ vault, reopen }) {
      const [kept = '', gone = '', destroyed = ''] = FOREIGN;
      await vault.adopt([{ keyId: kept, key: key32(1) }, { keyId: gone, key: key32(2) }]);
      await vault.adopt([{ keyId: destroyed, key: null }]);
      await vault.destroy(gone);
      const again = await reopen?.();
      if (again === undefined) throw new Error('the binding has no reopen');
      expect(Buffer.from(await again.reveal(kept))).toEqual(Buffer.from(key32(1)));
      for (const keyId of [gone, destroyed]) await expect(again.derive(keyId, 'x')).rejects.toEqual(fault('KEY_DESTROYED'));
    },
  },
];
