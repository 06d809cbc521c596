// Completes package-lock.json: a registry that cannot serve the optional packages of other platforms leaves them out of the
// lock, and `npm ci` then refuses it on every platform. Each missing one gets an entry without integrity (a stub).
//   node tools/lock-repair.mjs           writes the missing entries
//   node tools/lock-repair.mjs --check   writes nothing; exit 1 if an entry is missing or the lock names a registry address
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const check = process.argv.includes('--check');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const packages = lock.packages;

/** The lock key that Node would resolve `name` to from the package at `from`, or undefined. */
function resolve(from, name) {
  let folder = from;
  for (;;) {
    const key = `${folder ? `${folder}/` : ''}node_modules/${name}`;
    if (packages[key]) return key;
    if (!folder) return undefined;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')));
  }
}

const systems = [
  ['darwin', /darwin/], ['win32', /win32|windows|-win-/], ['freebsd', /freebsd/], ['openbsd', /openbsd/], ['netbsd', /netbsd/],
  ['sunos', /sunos/], ['android', /android/], ['openharmony', /openharmony/], ['aix', /aix/], ['linux', /linux/],
];
const processors = /-(arm64|x64|ia32|ppc64|s390x|riscv64|loong64|mips64el|wasm32|arm)(?![a-z0-9])/;

/** Reads the platform from the name of a platform package: `@swc/core-linux-x64-musl` → linux, x64, musl. */
function platformOf(name) {
  const last = name.split('/').pop().replace('ppc64le', 'ppc64').replace('ppc64-le', 'ppc64');
  const os = systems.find(([, pattern]) => pattern.test(last))?.[0];
  const cpu = processors.exec(last)?.[1];
  const libc = os !== 'linux' ? undefined : /musl/.test(last) ? 'musl' : /gnu/.test(last) ? 'glibc' : undefined;
  return { ...(cpu && { cpu: [cpu] }), ...(os && { os: [os] }), ...(libc && { libc: [libc] }) };
}

const faults = [];
let stubs = 0;
for (const [key, entry] of Object.entries(packages)) {
  if (/^[a-z+]+:\/\//.test(entry.resolved ?? '')) faults.push(`${key} names an address: ${entry.resolved}`);
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolve(key, name)) continue;
    const platform = platformOf(name);
    if (!platform.os && !platform.cpu) {
      faults.push(`${name} (optional, of ${key || 'the root'}) is missing and its name tells no platform`);
      continue;
    }
    if (check) faults.push(`${name} (optional, of ${key || 'the root'}) is missing: run node tools/lock-repair.mjs`);
    packages[`node_modules/${name}`] = {
      version: range.replace(/^[\^~]/, ''),
      ...(platform.cpu && { cpu: platform.cpu }),
      ...(entry.dev && { dev: true }),
      ...(platform.libc && { libc: platform.libc }),
      optional: true,
      ...(platform.os && { os: platform.os }),
    };
    stubs += 1;
  }
}

for (const fault of faults) console.error(`package-lock.json: ${fault}`);
if (!check && stubs > 0) {
  lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${stubs} entries for other platforms added`);
}
if (faults.length > 0) process.exitCode = 1;
