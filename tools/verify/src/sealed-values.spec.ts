import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { canonicalText } from '@maestro/receipt';
import type { Json } from '@maestro/domain';

// Inputs, output and log of this run are `true` (the log as text): see histories/sealed-true.seals.json.
const golden = fileURLToPath(new URL('../../../contracts/golden/', import.meta.url));
const folder = `${golden}receipts/OK-sealed-true`;

/** What a careless writer could have hashed: the value, its text, its usual wrappings, with and without a line end. */
const wrapped: readonly Json[] = [true, 'true', [true], { value: true }, { output: true }, { inputs: true }, { result: true }, { data: true }, ['/output', true], ['/inputs', true], ['/log', 'true']];
const spellings = wrapped.flatMap((value) => [canonicalText(value), JSON.stringify(value, null, 1), JSON.stringify(value, null, 2)]).flatMap((text) => [text, `${text}\n`]);
const algorithms = ['sha256', 'sha1', 'sha512', 'md5'];

const hashesOf = (texts: readonly string[]): string[] =>
  texts.flatMap((text) =>
    algorithms.flatMap((algorithm) => {
      const digest = createHash(algorithm).update(text).digest();
      return [digest.toString('hex'), digest.toString('base64'), digest.toString('base64url'), digest.toString('hex').toUpperCase()];
    }),
  );

/** Every file of the exported set, and what lies inside its bundle. */
function contents(): string[] {
  const files = readdirSync(folder).filter((name) => name !== 'case.json').map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
  const bundle = JSON.parse(readFileSync(`${folder}/receipt.sigstore.json`, 'utf8')) as { dsseEnvelope: { payload: string } };
  return [...files, Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString('utf8')];
}

describe('a sealed value', () => {
  it('was sealed three times over in this run', () => {
    const seals = JSON.parse(readFileSync(`${golden}histories/sealed-true.seals.json`, 'utf8')) as { place: [string, string, Json] }[];
    expect(seals.map(({ place: [pointer, , value] }) => [pointer, value])).toEqual(
      expect.arrayContaining([['/inputs', true], ['/output', true], ['/log', 'true']]),
    );
  });

  it('leaves no plain hash of itself anywhere in the exported set', () => {
    const found = contents();
    expect(found).toHaveLength(6);
    expect(hashesOf(spellings).filter((hash) => found.some((text) => text.includes(hash)))).toEqual([]);
  });

  it('would be found if it were there', () => {
    const manifest = readFileSync(`${folder}/manifest.json`, 'utf8');
    expect(hashesOf([manifest]).filter((hash) => contents().some((text) => text.includes(hash)))).toHaveLength(1);
  });
});
