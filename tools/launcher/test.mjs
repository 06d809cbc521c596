// `./maestro test`: Jest over the whole workspace, then what was left out and one plain line of figures.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import { runChild } from './child.mjs';

const leftOutSpecs = /\.(tool|long|server)\.spec\.ts$/;
/** Specs with real processes, disks or servers: two cores that are busy elsewhere can fail them. Pure ones never are run twice. */
const realSpecs = /\.(int|e2e|tool|long|server)\.spec\.ts$/;
const secondChancesMax = 3;

/** Paths of the outside tools that CI installed, for the specs that ask for them (`OPA`, `NATS_SERVER` …). */
export function toolEnvironment() {
  const cache = process.env.MAESTRO_TOOL_CACHE ?? `${homedir()}/.cache/maestro/tools`;
  const wanted = [['opa', 'OPA'], ['cosign', 'COSIGN'], ['schemathesis', 'SCHEMATHESIS'], ['nats-server', 'NATS_SERVER'], ['versitygw', 'VERSITYGW'], ['nats-py', 'NATS_PY']];
  const found = {};
  for (const folder of existsSync(cache) ? readdirSync(cache).sort() : []) {
    const [name, variable] = wanted.find(([tool]) => folder.startsWith(`${tool}-`)) ?? [];
    if (name && existsSync(`${cache}/${folder}/${name}`)) found[variable] = `${cache}/${folder}/${name}`;
  }
  const folders = Object.values(found).map((file) => file.slice(0, file.lastIndexOf('/')));
  return { ...found, ...process.env, PATH: [process.env.PATH, ...folders].join(delimiter) };
}

function specsBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && leftOutSpecs.test(entry.name) && !/node_modules|\/dist/.test(entry.parentPath))
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}

function leftOut(root) {
  const folders = ['contracts', 'libs', 'services', 'tools'].map((folder) => `${root}${folder}`);
  return folders.flatMap(specsBelow).map((file) => file.slice(root.length)).sort();
}

/** Figures of a Jest result file: a suite that could not even start counts as one failure. */
export function figures(resultFile) {
  if (!existsSync(resultFile)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(resultFile, 'utf8'));
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

function jestArguments(root, options, rest, resultFile) {
  const args = [`${root}node_modules/jest/bin/jest.js`, '--rootDir', root, '-c', `${root}jest.config.mjs`, '--json'];
  args.push(`--outputFile=${resultFile}`, ...(options.coverage ? ['--coverage', '--coverageDirectory', `${root}coverage/${options.coverage}`] : []));
  return [...args, ...rest];
}

function jestEnvironment(options, conformance) {
  return {
    ...toolEnvironment(),
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim(),
    MAESTRO_CONFORMANCE_DIR: conformance,
    ...(options.kind && { MAESTRO_TEST_KIND: options.kind }),
  };
}

/** Runs the specs and prints the figures. Returns the exit code: 0 only when all passed and none was skipped. */
export async function runTests(root, args) {
  const own = ['--tools', '--long', '--servers', '--coverage'];
  const rest = args.filter((arg) => !own.includes(arg));
  const whole = rest.length === 0;
  const only = ['tools', 'long', 'servers'].find((kind) => args.includes(`--${kind}`));
  const coverage = args.includes('--coverage');
  // coverage counts what any spec reaches, so the long ones and those of servers run too
  const kind = coverage ? 'coverage' : (only ?? (whole ? 'usual' : undefined));
  // CI counts the lines of its three runs together instead of running all specs once more
  const isCounted = coverage || (whole && process.env.MAESTRO_COVERAGE === 'on');
  const options = { kind, coverage: isCounted ? (coverage ? 'all' : kind) : undefined };
  const name = coverage ? 'coverage' : (only ?? 'test');
  if (isCounted) rmSync(`${root}coverage/${options.coverage}`, { recursive: true, force: true });
  const resultFile = `${root}.cache/results/${name}.json`;
  const conformance = process.env.MAESTRO_CONFORMANCE_DIR ?? `${root}.cache/conformance`;
  mkdirSync(`${root}.cache/results`, { recursive: true });
  rmSync(resultFile, { force: true });
  if (whole && !only && !coverage) rmSync(conformance, { recursive: true, force: true });
  mkdirSync(conformance, { recursive: true });
  const status = await runChild(process.execPath, jestArguments(root, options, rest, resultFile), {
    cwd: root,
    stdio: ['inherit', 'ignore', 'inherit'], // Jest prints its report to stderr and, with --json, the result to stdout too
    env: jestEnvironment(options, conformance),
  });
  const second = status === 0 ? status : await secondChance(root, options, resultFile, conformance);
  const { passed, failed, skipped } = figures(resultFile);
  if (whole && !only && !coverage) sayWhatWasLeftOut(leftOut(root));
  const forbidden = whole && skipped > 0;
  if (forbidden) console.log(`${skipped} skipped: a full run may not skip`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || forbidden ? 1 : second;
}

/**
 * In CI a few failed specs of real parts are run once more, alone on the machine. What failed first is printed and stays
 * in `<result>.first.json`; a spec that fails twice fails. Exit code of the second run; 1 where there was none.
 */
async function secondChance(root, options, resultFile, conformance) {
  if (!process.env.CI || !existsSync(resultFile)) return 1;
  const first = JSON.parse(readFileSync(resultFile, 'utf8'));
  const failed = first.testResults.filter(({ status }) => status === 'failed');
  if (failed.length === 0 || failed.length > secondChancesMax || !failed.every(({ name }) => realSpecs.test(name))) return 1;
  for (const { name, message } of failed) console.log(`UNSTEADY ${name.slice(root.length)}: failed beside others, is run again alone\n${message}`);
  const againFile = resultFile.replace('.json', '.again.json');
  const files = failed.map(({ name }) => name);
  const status = await runChild(process.execPath, jestArguments(root, { ...options, coverage: undefined }, ['--runInBand', '--runTestsByPath', ...files], againFile), {
    cwd: root,
    stdio: ['inherit', 'ignore', 'inherit'],
    env: jestEnvironment(options, conformance),
  });
  const again = existsSync(againFile) ? JSON.parse(readFileSync(againFile, 'utf8')) : { testResults: [] };
  writeFileSync(resultFile.replace('.json', '.first.json'), JSON.stringify(first));
  writeFileSync(resultFile, JSON.stringify(merged(first, again.testResults)));
  return status;
}

/** The first result with the suites that were run again in the place of those that failed. */
function merged(first, again) {
  const testResults = first.testResults.map((suite) => again.find(({ name }) => name === suite.name) ?? suite);
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const numPassedTests = tests.filter(({ status }) => status === 'passed').length;
  const numFailedTests = tests.filter(({ status }) => status === 'failed').length;
  const numRuntimeErrorTestSuites = testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.every((each) => each.status !== 'failed')).length;
  return { ...first, testResults, numPassedTests, numFailedTests, numRuntimeErrorTestSuites };
}

function sayWhatWasLeftOut(specs) {
  const groups = [
    ['tool', 'they need opa, cosign, strace or python3 (run them with ./maestro test --tools)'],
    ['server', 'they need nats-server, Postgres or an S3 gateway (tools/ci/tools.sh installs them; run them with ./maestro test --servers)'],
    ['long', 'they take long, each a whole conductor or hundreds of requests (run them with ./maestro test --long, or by name)'],
  ];
  for (const [kind, why] of groups) {
    const files = specs.filter((file) => file.includes(`.${kind}.`));
    if (files.length === 0) continue;
    console.log(`\nLeft out, because ${why}:`);
    for (const file of files) console.log(`  ${file}`);
  }
  console.log('Left out, because they are gates and not specs: .ci/run runs those too.\n');
}
