// Runs the steps of steps.mjs: all of them, also after one has failed, as two cores allow. Ends with one plain line of figures.
//   ./maestro ci --full      with the full counts of harnesses that have them
//   ./maestro ci [text …]   only the steps whose name holds one of the texts (what they come after is taken as done)
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { figures, toolEnvironment } from '../launcher/test.mjs';
import { steps } from './steps.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cores = 2;
const tailLines = 60;
const failuresShown = 10;
const reasonLines = 8;

const groups = new Set();
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  process.on(signal, () => {
    for (const pid of groups) process.kill(-pid, 'SIGTERM');
    process.exit(code);
  });
}

const logOf = (step) => `${root}.cache/ci/${step.name.replaceAll(/[^a-z0-9.-]+/gi, '-')}.log`;

/** Runs one step with its output in a log file. A command that does not exist is a failed step. */
function runStep(step) {
  return new Promise((resolve) => {
    const log = createWriteStream(logOf(step));
    const started = performance.now();
    const [command, ...args] = (isFull ? step.full : undefined) ?? step.run;
    const child = spawn(command.includes('/') ? `${root}${command}` : command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, so that all it started ends with it
      env: { ...toolEnvironment(), ...step.env, CI: 'true', NO_COLOR: '1' },
    });
    if (child.pid) groups.add(child.pid);
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    let note = '';
    child.on('error', (error) => {
      note = `${error.message}\n`; // could not start; `close` follows
    });
    child.on('close', (code, signal) => {
      groups.delete(child.pid);
      const seconds = (performance.now() - started) / 1000;
      log.end(signal ? `ended by ${signal}\n` : note, () => resolve({ step, ok: code === 0, seconds }));
    });
  });
}

function show({ step, ok, seconds }) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${step.name} ${seconds.toFixed(1)} s`);
  const lines = stripVTControlCharacters(readFileSync(logOf(step), 'utf8')).trimEnd().split('\n');
  const unsteady = lines.filter((line) => line.startsWith('UNSTEADY '));
  const shown = ok ? [...unsteady, ...lines.slice(-(step.lines ?? 1))] : [...failedTests(step), ...lines.slice(-tailLines)];
  for (const line of shown) if (line) console.log(`       ${line}`);
}

/** What failed, by name and with the first lines of why: a record of CI may keep only the beginning of what is printed here. */
function failedTests({ result }) {
  if (!result || !existsSync(`${root}${result}`)) return [];
  const { testResults } = JSON.parse(readFileSync(`${root}${result}`, 'utf8'));
  const failed = testResults.filter(({ status }) => status === 'failed');
  return failed.slice(0, failuresShown).flatMap(({ name, message, assertionResults }) => {
    const names = assertionResults.filter((each) => each.status === 'failed').map(({ fullName }) => `  ✕ ${fullName}`);
    const why = stripVTControlCharacters(message).split('\n').filter((line) => line.trim() && !line.includes('●'));
    return [`FAIL ${name.slice(root.length)}`, ...names.slice(0, failuresShown), ...why.slice(0, reasonLines).map((line) => `    ${line.trim()}`)];
  });
}

/** Starts steps in the order of the list as soon as what they come after has ended and cores are free. */
async function runAll(wanted) {
  const waiting = [...wanted];
  const running = new Map();
  const results = [];
  const pending = (name) => waiting.some((each) => each.name === name) || running.has(name);
  const free = () => cores - [...running.values()].reduce((sum, { step }) => sum + step.cores, 0);
  while (waiting.length > 0 || running.size > 0) {
    for (const step of [...waiting]) {
      if (step.cores > free() || (step.after ?? []).some(pending)) continue;
      waiting.splice(waiting.indexOf(step), 1);
      running.set(step.name, { step, done: runStep(step) });
    }
    const ended = await Promise.race([...running.values()].map((each) => each.done));
    running.delete(ended.step.name);
    results.push(ended);
    show(ended);
  }
  return results;
}

/** Tests are counted one by one; every other step is one gate. A step of tests that fails as a whole counts as one failure. */
function count({ step, ok }) {
  if (!step.result) return { passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
  const { passed, failed } = existsSync(`${root}${step.result}`) ? figures(`${root}${step.result}`) : { passed: 0, failed: 0 };
  return { passed, failed: ok ? failed : Math.max(1, failed) };
}

const texts = process.argv.slice(2).filter((text) => text !== '--full');
const isFull = process.argv.includes('--full');
const wanted = texts.length === 0 ? steps.filter(({ onlyFull }) => isFull || !onlyFull) : steps.filter(({ name }) => texts.some((text) => name.includes(text)));
const leftOut = texts.length === 0 ? steps.filter((step) => !wanted.includes(step)) : [];
mkdirSync(`${root}.cache/ci`, { recursive: true });
for (const { result } of wanted) if (result) rmSync(`${root}${result}`, { force: true });
const started = performance.now();
const counts = (await runAll(wanted)).map(count);
if (leftOut.length > 0) console.log(`\nleft out, run them with .ci/run --full: ${leftOut.map(({ name }) => name).join('; ')}`);
const sum = (key) => counts.reduce((total, each) => total + each[key], 0);
console.log(`\n${wanted.length} steps in ${((performance.now() - started) / 60_000).toFixed(1)} min; logs in .cache/ci`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') === 0 && wanted.length > 0 ? 0 : 1;
