// One incremental build of all packages, skipped where nothing changed since the last good one.
// B1. The stamp is a hash over path, mtime and size of every input and over the build records that the compiler left: any
//     difference builds, in either direction of time (a checkout may bring older files).
// B2. The stamp is written after a build that succeeded, from the inputs as they were before it.
// B3. One build at a time per checkout: a second caller waits, then finds the stamp fresh.
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

function stamped(file) {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat ? `${file} ${stat.mtimeNs} ${stat.size}\n` : `${file} -\n`;
}

/** The state of a checkout as one line: inputs, then what the compiler recorded in each `dist`. */
function fingerprints(root) {
  const inputs = createHash('sha256');
  const outputs = createHash('sha256');
  const packages = JSON.parse(readFileSync(`${root}tsconfig.json`, 'utf8')).references.map((reference) => reference.path);
  for (const file of ['tsconfig.json', 'tsconfig.base.json', 'package-lock.json']) inputs.update(stamped(`${root}${file}`));
  for (const path of packages) {
    inputs.update(stamped(`${root}${path}/package.json`)).update(stamped(`${root}${path}/tsconfig.json`));
    for (const file of sourcesBelow(`${root}${path}/src`)) inputs.update(stamped(file));
    outputs.update(stamped(`${root}${path}/dist/.tsbuildinfo`)).update(stamped(`${root}${path}/dist/index.js`));
  }
  return { inputs: inputs.digest('hex'), outputs: outputs.digest('hex') };
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

function compile(root, stampFile, force) {
  if (readOr(stampFile, '') === '') console.error('maestro: building (first time, some seconds) …');
  const { inputs } = fingerprints(root);
  const args = [`${root}${compiler}`, '-b', `${root}tsconfig.json`, '--pretty', String(process.stderr.isTTY === true)];
  const result = spawnSync(process.execPath, force ? [...args, '--force'] : args, { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`);
    console.error('maestro: the build failed');
    writeFileSync(stampFile, 'failed');
    return false;
  }
  writeFileSync(stampFile, `${inputs} ${fingerprints(root).outputs}`);
  return true;
}

/** Builds what changed. True when everything is up to date; the compiler's findings went to stderr when not. */
export function ensureBuilt(root, { force = false } = {}) {
  const stampFile = `${root}.cache/build.stamp`;
  const fresh = () => {
    const { inputs, outputs } = fingerprints(root);
    return !force && readOr(stampFile, '') === `${inputs} ${outputs}`;
  };
  return fresh() || alone(root, () => fresh() || compile(root, stampFile, force));
}
