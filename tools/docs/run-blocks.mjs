// Runs the shell blocks of documents as a reader would, in the order of the page, and compares what they print.
//   node tools/docs/run-blocks.mjs [document …]     default: docs/quickstart.md and every page of docs/how-to
//   node tools/docs/run-blocks.mjs --self-test       proves that each kind of fault is found, on tools/docs/fixtures/blocks
//
//   ```sh run                one shell per page: variables stay; every command must succeed
//   ```sh run exit=3         the last command of the block ends with 3
//   ```sh run background     goes on while the rest of the page runs (`up`); ended with the page
//   ```text                  directly after such a block: these lines are printed, in this order; `…` stands for anything
//
// Each page gets a data folder and a configuration of its own; what it writes lies below report/<folder>, which is emptied before. The port of the documents is exchanged for a free one.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expectation, missingLine } from './expected-output.mjs';
import { fencedBlocks } from './markdown.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const documentPort = '4747';
const blockMaxMs = 120_000;
const readyMaxMs = 30_000;
const pollMs = 50;

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(String(port)));
    });
  });
}

/** Runnable blocks of a page with what is expected of each. */
export function stepsOf(text) {
  const blocks = fencedBlocks(text);
  return blocks.flatMap(({ info, text: commands, line }, at) => {
    const words = info.split(/\s+/);
    if (words[0] !== 'sh' || words[1] !== 'run') return [];
    const next = blocks[at + 1];
    const exitCode = Number(/\bexit=(\d+)/.exec(info)?.[1] ?? 0);
    return [{ commands, line, exitCode, isBackground: words.includes('background'), expected: next?.info === 'text' ? expectation(next.text) : [] }];
  });
}

/** One shell that is fed block by block; what it prints is kept. */
class Shell {
  constructor(env) {
    this.child = spawn('bash', ['--noprofile', '--norc'], { cwd: root, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.printed = '';
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (text) => (this.printed += stripVTControlCharacters(String(text))));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
    this.child.stdin.on('error', () => undefined); // it ended; `ended` says so
  }

  /** What the block printed and its exit code; a shell that a block ended answers that block's code. */
  async run(commands, stopsAtFailure) {
    const mark = `block-ends-${Math.random().toString(36).slice(2)}`;
    this.printed = '';
    this.child.stdin.write(`${stopsAtFailure ? 'set -e -o pipefail' : 'set +e'}\n${commands}\ncode=$?; set +e; printf '\\n%s %s\\n' ${mark} "$code"\n`);
    const found = await this.until(() => new RegExp(`\\n${mark} (\\d+)\\n`).exec(this.printed), blockMaxMs);
    if (found === undefined) return { printed: this.printed, exitCode: this.child.exitCode ?? 'none' };
    return { printed: this.printed.slice(0, found.index), exitCode: Number(found[1]) };
  }

  async until(probe, maxMs) {
    const endMs = performance.now() + maxMs;
    let hasEnded = false;
    void this.ended.then(() => (hasEnded = true));
    while (performance.now() < endMs) {
      const found = probe();
      if (found || hasEnded) return found ?? undefined;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    return undefined;
  }

  /** Ends it with all that it started. */
  async close() {
    try {
      process.kill(-this.child.pid, 'SIGTERM');
    } catch {
      // it has ended already
    }
    await this.ended;
  }
}

async function runPage(page) {
  const home = mkdtempSync(join(tmpdir(), 'maestro-docs-'));
  const port = await freePort();
  const env = { ...process.env, HOME: home, MAESTRO_TOOL_CACHE: process.env.MAESTRO_TOOL_CACHE ?? `${process.env.HOME}/.cache/maestro/tools`, XDG_CONFIG_HOME: join(home, 'config'), MAESTRO_DATA: join(home, 'data'), NO_COLOR: '1' };
  const withPort = (text) => text.replaceAll(`:${documentPort}`, `:${port}`).replaceAll(/(\.\/maestro up)(?![^\n]*--port)/g, `$1 --port ${port}`);
  const shells = [new Shell(env)];
  try {
    const text = readFileSync(join(root, page), 'utf8');
    const steps = stepsOf(text);
    for (const [folder] of text.matchAll(/\breport\/[\w-]+/g)) rmSync(join(root, folder), { recursive: true, force: true });
    for (const step of steps) {
      const fault = step.isBackground ? await runBeside(step, shells, env, withPort) : await runStep(step, shells[0], withPort);
      if (fault !== undefined) return { page, count: steps.length, fault: `${page}:${step.line}: ${fault}` };
    }
    return { page, count: steps.length };
  } finally {
    for (const shell of shells.reverse()) await shell.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function runStep({ commands, exitCode: expectedCode, expected }, shell, withPort) {
  const { printed, exitCode } = await shell.run(withPort(commands), expectedCode === 0);
  if (exitCode !== expectedCode) return `ended with ${exitCode}, not ${expectedCode}:\n${printed}`;
  const missing = missingLine(expected, printed);
  return missing === undefined ? undefined : `the page shows a line that was not printed:\n  ${missing}\nprinted:\n${printed}`;
}

/** Without an expectation it would not be known when it is ready: a page has to show what it prints. */
async function runBeside({ commands, expected }, shells, env, withPort) {
  if (expected.length === 0) return 'a background block needs a text block that shows what it prints when it is ready';
  const shell = new Shell(env);
  shells.push(shell);
  shell.child.stdin.end(`${withPort(commands)}\n`);
  const isReady = await shell.until(() => missingLine(expected, shell.printed.replaceAll(/:\d+\b/g, `:${documentPort}`)) === undefined, readyMaxMs);
  return isReady ? undefined : `did not print what the page shows within ${readyMaxMs / 1_000} s:\n${shell.printed}`;
}

/** Runs pages one after the other; those with a fault. A page without any block is one. */
async function runPages(pages) {
  const faulty = [];
  let blocks = 0;
  for (const page of pages) {
    const startedMs = performance.now();
    const { fault, count } = await runPage(page);
    blocks += count;
    const isFine = fault === undefined && count > 0;
    if (!isFine) faulty.push(page);
    console.log(`${isFine ? 'ok  ' : 'FAIL'} ${page}: ${count} blocks, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
    if (fault !== undefined) console.log(fault);
  }
  console.log(`documents: ${pages.length} pages, ${blocks} blocks, ${faulty.length} faults`);
  return faulty;
}

const pagesIn = (folder) => readdirSync(`${root}/${folder}`).filter((file) => file.endsWith('.md')).sort().map((file) => `${folder}/${file}`);
const given = process.argv.slice(2);
if (given[0] === '--self-test') {
  const fixtures = pagesIn('tools/docs/fixtures/blocks');
  const expected = fixtures.filter((page) => page.endsWith('_fault.md'));
  const faulty = await runPages(fixtures);
  const isAsExpected = faulty.join() === expected.join() && expected.length < fixtures.length;
  console.log(`self-test: ${faulty.length} of ${expected.length} planted faults found, ${fixtures.length} pages`);
  process.exitCode = isAsExpected ? 0 : 1;
} else {
  const faulty = await runPages(given.length > 0 ? given : ['docs/quickstart.md', ...pagesIn('docs/how-to')]);
  process.exitCode = faulty.length === 0 ? 0 : 1;
}
