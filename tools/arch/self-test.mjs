// Proves the rules: `fixtures/good` is a small sound workspace; `fixtures/<rule>[--<variant>]` holds only the files that make it
// break exactly that rule. A fixture's arch.json may narrow limits or spoil the graph's options.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readWorkspace } from './workspace.mjs';

const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url));
const installed = fileURLToPath(new URL('../../node_modules', import.meta.url));

function settings(fixture) {
  const file = `${fixtures}/${fixture}/arch.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/** Gives every package what its package.json declares, as npm would: workspace packages and the vendors installed here. */
function link(root) {
  const { packages } = readWorkspace(root);
  const target = new Map(packages.map((each) => [each.name, `${root}/${each.folder}`]));
  const names = new Set([...target.keys(), '@jest/globals', ...packages.flatMap((each) => [...each.dependencies, ...each.devDependencies])]);
  for (const name of names) {
    mkdirSync(dirname(`${root}/node_modules/${name}`), { recursive: true });
    symlinkSync(target.get(name) ?? `${installed}/${name}`, `${root}/node_modules/${name}`);
  }
}

/** Names of the rules that the fixture breaks. */
async function broken(fixture, checkWorkspace) {
  const root = realpathSync(mkdtempSync(`${tmpdir()}/maestro-arch-`));
  try {
    cpSync(`${fixtures}/good`, root, { recursive: true });
    cpSync(`${fixtures}/${fixture}`, root, { recursive: true });
    link(root);
    const good = settings('good');
    const own = settings(fixture);
    const { limits } = await import('./rules.mjs');
    const { findings } = await checkWorkspace(root, { limits: { ...limits, ...good.limits, ...own.limits }, cruise: own.cruise });
    return findings;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Runs every fixture and prints one line for each that does not do as its name says. True when all do. */
export async function selfTest(ruleNames, checkWorkspace) {
  const folders = readdirSync(fixtures).sort();
  const ruleOf = (fixture) => fixture.split('--')[0];
  const faults = ruleNames.filter((rule) => !folders.some((each) => ruleOf(each) === rule)).map((rule) => `${rule} has no fixture`);
  for (const fixture of folders) {
    const expected = fixture === 'good' ? [] : [ruleOf(fixture)];
    if (expected.some((rule) => !ruleNames.includes(rule))) faults.push(`${fixture} names no rule`);
    const findings = await broken(fixture, checkWorkspace);
    const names = [...new Set(findings.map((each) => each.rule))].sort();
    if (names.join() === expected.join()) continue;
    faults.push(`${fixture} breaks [${names.join(', ')}], expected [${expected.join()}]`);
    for (const { rule, file, line, message } of findings) faults.push(`    ${rule}  ${file}:${line ?? 0}  ${message}`);
  }
  for (const fault of faults) console.log(fault);
  console.log(`arch self-test: ${faults.length} faults, ${ruleNames.length} rules, ${folders.length} fixtures`);
  return faults.length === 0;
}
