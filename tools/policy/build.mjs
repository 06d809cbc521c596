// Compiles the packs of a source folder into one content-addressed set.
//   node tools/policy/build.mjs [--source policy] [--out policy/bundles]
// The bytes depend on the sources, the compiler and nothing else; sets that are there already stay.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import canonicalize from 'canonicalize';
import { opa, opaVersion } from './opa.mjs';
import { readTarGz } from './tar.mjs';

const { loadPolicySync } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm');
const root = resolve(import.meta.dirname, '../..');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const { values } = parseArgs({
  options: {
    source: { type: 'string', default: join(root, 'policy') },
    out: { type: 'string', default: join(root, 'policy/bundles') },
  },
});
const source = resolve(values.source);
const out = resolve(values.out);

const stages = JSON.parse(readFileSync(join(source, 'stages.json'), 'utf8'));
const version = opaVersion();
const { wasm, data } = compile();
const set = describe(wasm, data);
probe(wasm, data);
publish(set, wasm, data);
console.log(`${set.setDigest} ${wasm.length} bytes, opa ${version}`);

// The path argument and the order of `-e` end up in the bytes: fixed folder, fixed argument, order of stages.json.
function compile() {
  const scratch = mkdtempSync(join(tmpdir(), 'maestro-policy-'));
  try {
    const entrypoints = Object.values(stages).flatMap((stage) => ['-e', stage.entrypoint]);
    const capabilities = relative(source, join(root, 'policy/capabilities.json'));
    const bundle = join(scratch, 'bundle.tar.gz');
    const build = ['build', '-t', 'wasm', '--capabilities', capabilities, '--ignore', '*_test.rego'];
    opa([...build, ...entrypoints, '-o', bundle, 'packs'], { cwd: source });
    const files = readTarGz(readFileSync(bundle));
    return {
      wasm: files.get('/policy.wasm'),
      data: Buffer.from(canonicalize(JSON.parse(files.get('/data.json').toString()))),
    };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

// Every folder of packs/ but `stages` is a pack. Its digest is over [path, content digest] of what decides, by path.
function describe(wasmBytes, dataBytes) {
  const names = readdirSync(join(source, 'packs'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'stages')
    .map((entry) => entry.name)
    .sort();
  const packs = names.map((name) => {
    const files = ['data.json', 'policy.rego'].map((file) => `packs/${name}/${file}`);
    const contents = files.map((file) => [file, sha256(readFileSync(join(source, file)))]);
    const asked = Object.keys(stages).filter((stage) => stages[stage].packs.includes(name));
    return { name, packDigest: sha256(canonicalize(contents)), stages: asked };
  });
  const entrypoints = Object.fromEntries(Object.entries(stages).map(([stage, { entrypoint }]) => [stage, entrypoint]));
  const identity = { wasmDigest: sha256(wasmBytes), dataDigest: sha256(dataBytes), entrypoints, packs };
  const setDigest = sha256(canonicalize(identity));
  // the compiler decides nothing, so the name of a set does not depend on it; receipts show it all the same
  return { setDigest, ...identity, opaVersion: version, compilerDigest: sha256(`${setDigest} ${version}`) };
}

// A set is fit for use when it needs nothing of its host, every stage answers for exactly the packs that
// stages.json lists, and none of them is ready without input or without data.
function probe(wasmBytes, dataBytes) {
  const policy = loadPolicySync(new WebAssembly.Module(wasmBytes), { initial: 5, maximum: 256 });
  const hostBuiltins = Object.keys(readJson(policy, policy.wasmInstance.exports.builtins()));
  if (hostBuiltins.length > 0) fail(`needs built-ins of the host: ${hostBuiltins.join(', ')}`);
  for (const dataText of ['{}', dataBytes.toString()]) {
    policy.setData(JSON.parse(dataText));
    for (const [stage, { entrypoint, packs }] of Object.entries(stages)) {
      const result = policy.evaluate(null, entrypoint)[0]?.result ?? {};
      const answered = Object.keys(result).sort().join(' ');
      if (answered !== [...packs].sort().join(' '))
        fail(`${stage} answers for [${answered}], stages.json says [${packs.join(' ')}]`);
      for (const pack of packs) if (result[pack].ready !== false) fail(`${pack} is ready at ${stage} without input`);
    }
  }
}

function readJson(policy, address) {
  const bytes = new Uint8Array(policy.mem.buffer, policy.wasmInstance.exports.opa_json_dump(address));
  return JSON.parse(Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString());
}

// Append-only: what a receipt refers to stays loadable. The index is replaced last and whole.
function publish(entry, wasmBytes, dataBytes) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${entry.setDigest}.wasm`), wasmBytes);
  writeFileSync(join(out, `${entry.setDigest}.data.json`), dataBytes);
  const indexPath = join(out, 'index.json');
  const known = existsSync(indexPath) ? JSON.parse(readFileSync(indexPath, 'utf8')).sets : [];
  const kept = known.filter((other) => other.setDigest !== entry.setDigest);
  const index = {
    schema: 'policy-bundles.v1',
    active: entry.setDigest,
    sets: kept.length < known.length ? known : [...known, entry],
  };
  writeFileSync(`${indexPath}.new`, `${JSON.stringify(index, null, 2)}\n`);
  renameSync(`${indexPath}.new`, indexPath);
}

function fail(reason) {
  console.error(`set refused: it ${reason}`);
  process.exit(1);
}
