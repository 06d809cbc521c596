// Evaluates the same random inputs with the committed WASM and with `opa eval` over the sources: the answers must be
// equal as sets. The interpreter is asked once per stage, for all inputs at once.
//   node tools/policy/differential.mjs [seed]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import canonicalize from 'canonicalize';
import { opa, opaVersion } from './opa.mjs';
import { randomInput, randomSource } from './random-input.mjs';

const INPUTS_PER_STAGE = 400;
const { loadPolicySync } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm');
const policyDir = resolve(import.meta.dirname, '../../policy');
const seed = Number(process.argv[2] ?? Date.now() % 2 ** 32);
const random = randomSource(seed);
opaVersion();

const index = JSON.parse(readFileSync(join(policyDir, 'bundles/index.json'), 'utf8'));
const set = index.sets.find(({ setDigest }) => setDigest === index.active);
const fileOfSet = (suffix) => readFileSync(join(policyDir, `bundles/${set.setDigest}${suffix}`));
const policy = loadPolicySync(new WebAssembly.Module(fileOfSet('.wasm')), { initial: 5, maximum: 256 });
policy.setData(JSON.parse(fileOfSet('.data.json')));

const seen = { evaluations: 0, ready: 0, violations: 0, obligations: 0 };
let differences = 0;
for (const [stage, entrypoint] of Object.entries(set.entrypoints)) {
  const inputs = Array.from({ length: INPUTS_PER_STAGE }, () => randomInput(random, stage));
  const interpreted = interpret(entrypoint, inputs);
  for (const [n, input] of inputs.entries()) {
    const compiled = policy.evaluate(input, entrypoint)[0]?.result;
    count(compiled);
    if (comparable(compiled) === comparable(interpreted[n])) continue;
    differences += 1;
    console.error(`${stage} #${n} differs (seed ${seed})\n  input ${JSON.stringify(input)}`);
    console.error(`  wasm  ${comparable(compiled)}\n  opa   ${comparable(interpreted[n])}`);
  }
}

const findings = `${seen.violations} violations, ${seen.obligations} obligations`;
console.log(`seed ${seed}: ${seen.evaluations} inputs, ${seen.ready} packs ready, ${findings}, ${differences} differences`);
// Inputs that trigger nothing would compare nothing.
const telling = seen.ready > 0 && seen.violations > 100 && seen.obligations > 20;
if (!telling) console.error('the inputs are not telling: widen random-input.mjs');
process.exit(differences === 0 && telling ? 0 : 1);

function interpret(entrypoint, inputs) {
  const reference = `data.${entrypoint.replaceAll('/', '.')}`;
  const query = `[answer | some one in input.all; answer := ${reference} with input as one]`;
  const args = ['eval', '--format=json', '--stdin-input', '--data', 'packs', '--import', 'rego.v1', query];
  const output = JSON.parse(opa(args, { cwd: policyDir, input: JSON.stringify({ all: inputs }) }).toString());
  const answers = output.result?.[0]?.expressions?.[0]?.value ?? [];
  if (answers.length !== inputs.length) throw new Error(`opa answered ${answers.length} of ${inputs.length} inputs`);
  return answers;
}

function comparable(answers) {
  const sorted = (list) => list.map((finding) => canonicalize(finding)).sort();
  const packs = Object.entries(answers ?? {}).map(([name, { ready, violations, obligations }]) => {
    return [name, { ready, violations: sorted(violations), obligations: sorted(obligations) }];
  });
  return canonicalize(Object.fromEntries(packs));
}

function count(answers) {
  seen.evaluations += 1;
  for (const { ready, violations, obligations } of Object.values(answers ?? {})) {
    if (ready) seen.ready += 1;
    seen.violations += violations.length;
    seen.obligations += obligations.length;
  }
}
