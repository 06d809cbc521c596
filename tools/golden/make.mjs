// node --conditions=source tools/golden/make.mjs
// Writes the golden files that are missing; exits 1 when one that exists would come out otherwise. Nothing is overwritten.
// With --check a missing one fails as well: in CI all of them are there.
import { createPublicKey } from 'node:crypto';
import { generateSigningKey, signRegistry } from '@maestro/adapter-sigstore';
import { assembleSet, createRegistry, envelopeBytes, eventsJsonl, openSSHFingerprint, sha256 } from '@maestro/receipt';
import { GoldenFiles, json } from './golden-files.mjs';
import { cases, filesOf } from './receipt-cases.mjs';
import { reserved } from './reserved.mjs';
import { runs } from './runs.mjs';

const files = new GoldenFiles();

function keepHistory(run) {
  const path = `histories/${run.name}`;
  files.keep(`${path}.jsonl`, eventsJsonl(run.prepared.map(({ bytes }) => bytes)));
  files.keep(`${path}.seals.json`, json(run.seals));
  files.keep(`${path}.expected.json`, json({ ...run.figures, ...(run.manifest ? receiptFigures(run) : {}) }));
}

function receiptFigures(run) {
  const { events, receiptJson, statement } = assembleSet(run.recorded);
  return { events: sha256(events), receipt: sha256(receiptJson), statement: sha256(statement) };
}

async function keyPair(name) {
  const path = `receipts/trust/TEST-ONLY-${name}.private.pem`;
  const privateKeyPem = (await files.once(path, () => generateSigningKey().privateKeyPem)).toString('utf8');
  const publicKey = createPublicKey(privateKeyPem);
  const publicKeyPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  files.keep(`receipts/trust/${name}.pub`, publicKeyPem);
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  return { privateKeyPem, publicKeyPem, spki, keyId: openSSHFingerprint(spki) };
}

const START = '2026-01-01T00:00:00.000Z';
const registryKey = ({ keyId, spki }, more = {}) => ({ keyId, spki, notBefore: START, notAfter: null, revokedAt: null, reason: null, ...more });

async function keepRegistry(name, version, keys, root) {
  await files.once(`receipts/trust/${name}.json`, () => envelopeBytes(signRegistry(createRegistry(version, keys), root.privateKeyPem)));
}

/** A set is made as a whole or not at all: a new signature would not fit files that are kept. */
async function keepCase(one, keys, recorders) {
  const folder = `receipts/${one.name}`;
  const made = await filesOf(one, keys, recorders);
  const isNew = !files.has(`${folder}/case.json`);
  files.keep(`${folder}/case.json`, json({ trust: one.trust, expected: one.expected ?? {} }));
  for (const [file, bytes] of made) {
    if (isNew || file !== 'receipt.sigstore.json') files.keep(`${folder}/${file}`, bytes);
  }
}

const recorders = [...runs(), ...reserved()];
recorders.forEach(keepHistory);
const keys = Object.fromEntries(await Promise.all(['signing', 'second', 'root', 'stranger'].map(async (name) => [name, await keyPair(name)])));
await keepRegistry('registry', 1, [registryKey(keys.signing), registryKey(keys.second)], keys.root);
await keepRegistry('registry-ended', 2, [registryKey(keys.signing, { notAfter: '2026-06-01T00:00:00.000Z' })], keys.root);
await keepRegistry('registry-revoked', 3, [registryKey(keys.signing, { revokedAt: '2026-01-15T00:00:00.000Z', reason: 'test' })], keys.root);
const byName = new Map(recorders.map((run) => [run.name, run]));
for (const one of cases) await keepCase(one, keys, byName);

for (const path of files.written) console.log(`new      ${path}`);
for (const path of files.changed) console.log(`DIFFERS  ${path}: golden files are never changed; is the change of the format meant? Then make a new version beside it`);
console.log(`golden: ${files.written.length} new, ${files.changed.length} would differ`);
const isComplete = files.written.length === 0 || !process.argv.includes('--check');
process.exitCode = files.changed.length === 0 && isComplete ? 0 : 1;
