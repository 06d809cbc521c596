import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RECEIPT_FILES, checkSet, openStatement } from '@maestro/receipt';
import { seededRandom } from '../seeded-random.ts';
import { byteChanges, rightClasses } from './byte-changes.ts';
import { ATTACKS } from './command.ts';
import { changeEveryByte } from './every-byte.ts';
import { bundleBytes, eventsOf, jsonlOf, partsOf, rechained, signed } from './forgery.ts';
import { verdictOn } from './mount-attack.ts';
import { PROVING_FILES, newKey } from './real-sets.ts';
import type { SetBytes, TamperWorld } from './real-sets.ts';

const GOLDEN = fileURLToPath(new URL('../../../../contracts/golden/receipts/', import.meta.url));
const signer = newKey();

/** A golden set under a key of which both halves are at hand. */
function goldenSet(name: string): SetBytes {
  const [events, receipt, bundle, manifest] = PROVING_FILES.map((file) => readFileSync(join(GOLDEN, name, RECEIPT_FILES[file])));
  return { events, receipt, bundle: bundleBytes(signed(partsOf(bundle as Buffer).payload, signer)), manifest } as SetBytes;
}

const set = goldenSet('OK-one-task');
const statement = openStatement(partsOf(set.bundle).payload);
if (typeof statement === 'string' || statement.receipt === undefined) throw new Error('the golden set has no receipt');
const world: TamperWorld = { set, receipt: statement.receipt, otherSet: goldenSet('OK-retries'), signer, stranger: newKey(), readme: 'read me' };
const plan = { bitsPerByte: 1, sampleCount: 20 };

describe('changing every byte', () => {
  it('leaves no byte of any file out, and changes one at a time', () => {
    const flipped = new Map(PROVING_FILES.map((file) => [file, new Set<number>()]));
    for (const { file, kind, offset, bytes } of byteChanges(set, { ...plan, random: seededRandom('bytes') })) {
      const original = set[file];
      if (kind !== 'bit flipped') continue;
      flipped.get(file)?.add(offset);
      expect(bytes.length).toBe(original.length);
      expect(bytes[offset]).not.toBe(original[offset]);
    }
    expect(PROVING_FILES.map((file) => flipped.get(file)?.size)).toEqual(PROVING_FILES.map((file) => set[file].length));
  });

  it('finds a verifier that looks at nothing', () => {
    const sound = checkSet({ ...set, ownKeyId: null }, { keys: [], verifySignature: () => true, trustedTime: null });
    const careless: typeof checkSet = () => ({ ...sound, ok: true, code: null, exitCode: 0 });
    const { changes, accepted, violations } = changeEveryByte(world, { ...plan, random: seededRandom('careless') }, careless);
    expect(accepted).toBe(changes);
    expect(violations).toHaveLength(changes);
    expect(violations.at(-1)).toMatch(/^manifest.json, byte \d+ inserted: accepted, expected REPLAYED_RECEIPT$/);
  });

  it.each([
    ['signature', '"sig":"', ['TAMPERED_RECEIPT']],
    ['payload', '"payload":"', ['TAMPERED_RECEIPT', 'MALFORMED']],
    ['media type', '"mediaType":"', ['MALFORMED']],
  ])('expects of a changed %s what its format says', (_what, opening, right) => {
    const offset = set.bundle.indexOf(opening) + opening.length + 1;
    const bytes = Buffer.from(set.bundle);
    bytes[offset] = bytes[offset] === 0x41 ? 0x42 : 0x41;
    expect(rightClasses({ file: 'bundle', kind: 'bit flipped', offset, bytes }, set.bundle)).toEqual(right);
  });
});

describe('attacks on a set', () => {
  let parent = '';
  let keyFile = '';
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'maestro-attack-spec-'));
    keyFile = join(parent, 'trusted.pem');
    writeFileSync(keyFile, signer.publicPem);
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it('have one name each', () => {
    expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
  });

  it('forge histories that hold in themselves', () => {
    expect(jsonlOf(rechained(eventsOf(set.events)))).toEqual(set.events);
  });

  it.each(['first event removed', 'right key, another cost', 'bundle: signed by another trusted key under the name of this one', 'events.jsonl is a link to the true file', 'no README'])(
    'are judged rightly: %s',
    async (name) => {
      const attack = ATTACKS.find((one) => one.name === name);
      if (attack === undefined) throw new Error(`there is no attack ${name}`);
      expect(await verdictOn(attack, world, keyFile, parent)).toBe(attack.right);
    },
  );
});
