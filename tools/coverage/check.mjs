// node tools/coverage/check.mjs --pure   own specs of the pure packages, every branch; prints what is not covered
// node tools/coverage/check.mjs [run …]  the coverage of one run or several together (coverage/<run>; without any: all), per package
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import istanbul from 'istanbul-lib-coverage';
import { exempt, exemptLinesMax, fullBranches, harnesses, linesMin } from './rules.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const packageOf = (path) => /^(contracts|tools\/[^/]+|services\/[^/]+|libs\/(?:adapters|packages)\/[^/]+|libs\/[^/]+)\//.exec(path)?.[1];
const isExempt = (path) => exempt.some((pattern) => pattern.test(path));

function collect(arguments_, folder) {
  rmSync(`${root}/${folder}`, { recursive: true, force: true });
  const run = spawnSync(process.execPath, [`${root}/node_modules/jest/bin/jest.js`, '--coverage', '--silent', ...arguments_], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' },
  });
  if (run.status !== 0) process.stderr.write(run.stderr ?? '');
  return run.status === 0;
}

/** Coverage per file, by path relative to the repository, of all these runs together. */
function read(...folders) {
  const map = istanbul.createCoverageMap({});
  for (const folder of folders) {
    const file = `${root}/${folder}/coverage-final.json`;
    if (!existsSync(file)) throw new Error(`${folder}/coverage-final.json is missing: run ./maestro test --coverage`);
    map.merge(JSON.parse(readFileSync(file, 'utf8')));
  }
  return map.files().map((path) => ({ path: path.slice(root.length + 1), coverage: map.fileCoverageFor(path) }));
}

/** Lines of the branches that no spec took, one entry per branch. */
function openBranches({ path, coverage }) {
  const { branchMap, b: taken } = coverage.data;
  return Object.entries(branchMap).flatMap(([id, branch]) =>
    taken[id].flatMap((count, arm) => (count > 0 ? [] : [`${path}:${branch.locations[arm].start.line ?? branch.loc.start.line} ${branch.type}`])),
  );
}

function total(files) {
  const summary = istanbul.createCoverageSummary();
  for (const { coverage } of files) summary.merge(coverage.toSummary());
  return summary;
}

function row(name, files) {
  const { lines, branches, functions } = total(files).data;
  const cell = (each) => `${each.total ? ((100 * each.covered) / each.total).toFixed(1) : '100.0'} %`.padStart(9);
  return `${name.padEnd(28)}${String(files.length).padStart(6)}${cell(lines)}${cell(branches)}${cell(functions)}`;
}

const heading = `${'package'.padEnd(28)}${'files'.padStart(6)}${'lines'.padStart(9)}${'branches'.padStart(9)}${'functions'.padStart(10)}`;

function exemptFaults(files) {
  const long = files.filter(({ path }) => isExempt(path) && readFileSync(`${root}/${path}`, 'utf8').trimEnd().split('\n').length > exemptLinesMax);
  return long.map(({ path }) => `${path} is left out of coverage as an entry file, but has more than ${exemptLinesMax} lines`);
}

function group(files) {
  const groups = Map.groupBy(files, ({ path }) => packageOf(path));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function checkPure() {
  const patterns = fullBranches.map((folder) => `${folder}/`);
  const from = fullBranches.flatMap((folder) => ['--collectCoverageFrom', `${folder}/src/**/*.ts`]);
  const without = ['--collectCoverageFrom', '!**/*.spec.ts', '--collectCoverageFrom', '!**/generated/**', '--collectCoverageFrom', '!**/fixtures/**'];
  if (!collect([...patterns, ...from, ...without, '--coverageDirectory', 'coverage/pure'], 'coverage/pure')) return ['specs failed'];
  const files = read('coverage/pure');
  const packages = group(files);
  console.log(heading);
  for (const [name, own] of packages) console.log(row(name, own));
  const unseen = fullBranches.filter((folder) => !packages.some(([name]) => name === folder));
  return [...unseen.map((folder) => `${folder}: no file was covered`), ...files.flatMap(openBranches).map((each) => `not taken: ${each}`)];
}

function checkAll(runs) {
  const files = read(...runs.map((run) => `coverage/${run}`));
  const counted = files.filter(({ path }) => !isExempt(path));
  console.log(heading);
  for (const [name, own] of group(counted)) console.log(row(name, own));
  const others = counted.filter(({ path }) => ![...fullBranches, ...harnesses].includes(packageOf(path)));
  const { lines } = total(others).data;
  const percent = lines.total ? (100 * lines.covered) / lines.total : 0;
  console.log(row('all but pure and harnesses', others));
  const low = percent < linesMin ? [`${percent.toFixed(1)} % of lines are covered, at least ${linesMin} %`] : [];
  return [...low, ...exemptFaults(files.filter(({ path }) => !harnesses.includes(packageOf(path))))];
}

const runs = process.argv.slice(2);
const faults = runs.includes('--pure') ? checkPure() : checkAll(runs.length > 0 ? runs : ['all']);
for (const fault of faults) console.log(fault);
console.log(`coverage: ${faults.length} findings`);
process.exitCode = faults.length === 0 ? 0 : 1;
