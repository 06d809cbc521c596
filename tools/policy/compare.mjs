// Fails unless the active set of a committed bundles folder is, byte for byte, the set that was just built, and every
// older set is still what its digests say.
//   node tools/policy/compare.mjs <committed> <built>
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import canonicalize from 'canonicalize';

const [committed, built] = process.argv.slice(2);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const indexOf = (folder) => JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
const theirs = indexOf(committed);
const ours = indexOf(built);
const problems = [];

const active = theirs.sets.find((set) => set.setDigest === theirs.active);
if (canonicalize(active ?? null) !== canonicalize(ours.sets[0])) {
  problems.push(`active set is ${theirs.active}, the sources compile to ${ours.active}: run tools/policy/build.mjs and commit`);
} else {
  for (const file of [`${ours.active}.wasm`, `${ours.active}.data.json`]) {
    if (!readFileSync(join(committed, file)).equals(readFileSync(join(built, file))))
      problems.push(`${file} differs from what was built`);
  }
}
for (const { setDigest, opaVersion, compilerDigest, ...identity } of theirs.sets) {
  if (sha256(canonicalize(identity)) !== setDigest) problems.push(`${setDigest}: its entry has another digest`);
  if (sha256(readFileSync(join(committed, `${setDigest}.wasm`))) !== identity.wasmDigest)
    problems.push(`${setDigest}: wasm digest`);
  if (sha256(readFileSync(join(committed, `${setDigest}.data.json`))) !== identity.dataDigest)
    problems.push(`${setDigest}: data digest`);
  if (!/^\d+\.\d+\.\d+$/.test(opaVersion)) problems.push(`${setDigest}: opa version`);
  if (compilerDigest !== undefined && sha256(`${setDigest} ${opaVersion}`) !== compilerDigest) problems.push(`${setDigest}: compiler digest`);
}
const listed = theirs.sets.flatMap(({ setDigest }) => [`${setDigest}.wasm`, `${setDigest}.data.json`]);
const unlisted = readdirSync(committed).filter((file) => file !== 'index.json' && !listed.includes(file));
if (unlisted.length > 0) problems.push(`not in index.json: ${unlisted.join(', ')}`);

for (const problem of problems) console.error(`${committed}: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
