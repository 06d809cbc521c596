// One incremental build of all packages, skipped where nothing changed since the last good one.
// B1. The stamp holds per package a hash over path, mtime and size of every input, and what the compiler left: any difference
//     builds, in either direction of time (a checkout or an archive may bring older files).
// B2. The stamp is taken from the inputs as they were before the build that it speaks of.
// B3. The compiler itself looks for newer inputs only. Where inputs changed and none is newer, its record is removed first.
// B4. One build at a time per checkout: a second caller waits, then finds the stamp fresh.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

const waitStepMs = 100;
const compiler = 'node_modules/@typescript/native/bin/tsc';

function* sourcesBelow(folder) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return; // a package without src: the compiler says so better
  }
  for (const entry of entries) {
    if (entry.isDirectory()) yield* sourcesBelow(`${folder}/${entry.name}`);
    else if (!entry.name.endsWith('.spec.ts')) yield `${folder}/${entry.name}`;
  }
}

const stat = (file) => statSync(file, { bigint: true, throwIfNoEntry: false });
const recordOf = (root, path) => `${root}${path}/dist/.tsbuildinfo`;

/** Inputs of one package: `hash` over all of them, and the youngest of their times. */
function inputsOf(files) {
  const hash = createHash('sha256');
  let newestNs = 0n;
  for (const file of files) {
    const found = stat(file);
    hash.update(`${file} ${found?.mtimeNs ?? '-'} ${found?.size ?? '-'}\n`);
    if (found && found.mtimeNs > newestNs) newestNs = found.mtimeNs;
  }
  return { hash: hash.digest('hex'), newestNs };
}

/** Path of each package → its inputs, those that all share included. */
function readInputs(root) {
  const packages = JSON.parse(readFileSync(`${root}tsconfig.json`, 'utf8')).references.map((reference) => reference.path);
  const shared = ['tsconfig.json', 'tsconfig.base.json', 'package-lock.json'].map((file) => `${root}${file}`);
  return new Map(
    packages.map((path) => {
      const own = [`${root}${path}/package.json`, `${root}${path}/tsconfig.json`, ...sourcesBelow(`${root}${path}/src`)];
      return [path, inputsOf([...shared, ...own])];
    }),
  );
}

/** The stamp of a build: package → inputs and what the compiler left of it. */
function stampOf(root, inputs) {
  const left = (file) => stat(file)?.mtimeNs ?? '-';
  return Object.fromEntries(
    [...inputs].map(([path, { hash }]) => [path, `${hash} ${left(recordOf(root, path))} ${left(`${root}${path}/dist/index.js`)}`]),
  );
}

function removeMisleadingRecords(root, inputs, stamp) {
  for (const [path, { hash, newestNs }] of inputs) {
    if (stamp.packages[path]?.startsWith(`${hash} `)) continue;
    const record = stat(recordOf(root, path));
    if (record && newestNs <= record.mtimeNs) rmSync(recordOf(root, path));
  }
}

function readOr(file, fallback) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Holds `.cache/build.lock` while `work` runs; a lock whose owner has died is taken over. */
function alone(root, work) {
  const lock = `${root}.cache/build.lock`;
  mkdirSync(`${root}.cache`, { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const owner = Number(readOr(`${lock}/pid`, '0'));
      if (owner > 0 && !alive(owner)) rmSync(lock, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitStepMs);
    }
  }
  try {
    writeFileSync(`${lock}/pid`, String(process.pid));
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function readStamp(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { good: false, first: true, packages: {} };
  }
}

function compile(root, stampFile, force) {
  const stamp = readStamp(stampFile);
  if (stamp.first) console.error('maestro: building (first time, some seconds) …');
  const inputs = readInputs(root);
  removeMisleadingRecords(root, inputs, stamp);
  const args = [`${root}${compiler}`, '-b', `${root}tsconfig.json`, '--pretty', String(process.stderr.isTTY === true)];
  const result = spawnSync(process.execPath, force ? [...args, '--force'] : args, { cwd: root, encoding: 'utf8' });
  const good = result.status === 0;
  if (!good) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`);
    console.error('maestro: the build failed');
  }
  writeFileSync(stampFile, JSON.stringify({ good, packages: stampOf(root, inputs) }));
  return good;
}

/** Builds what changed. True when everything is up to date; the compiler's findings went to stderr when not. */
export function ensureBuilt(root, { force = false } = {}) {
  const stampFile = `${root}.cache/build.stamp`;
  const fresh = () => {
    const stamp = readStamp(stampFile);
    return stamp.good && JSON.stringify(stampOf(root, readInputs(root))) === JSON.stringify(stamp.packages);
  };
  return (!force && fresh()) || alone(root, () => (!force && fresh()) || compile(root, stampFile, force));
}
