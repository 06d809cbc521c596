// Keeps package-lock.json such that `npm ci` accepts it on every platform.
// 1. A registry that cannot serve the optional packages of other platforms leaves them out of the lock, and `npm ci` then refuses
//    it everywhere. Each missing one gets an entry without integrity (a stub).
// 2. The entries of the workspace's own packages say what their package.json says.
//   node tools/lock-repair.mjs           writes both; what is installed stays as it is
//   node tools/lock-repair.mjs --check   writes nothing; exit 1 if something is to do, or if the lock names a registry address
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

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

const sorted = (record) => Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

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
let changes = 0;
function change(what, apply) {
  if (check) faults.push(`${what}: run node tools/lock-repair.mjs`);
  else apply();
  changes += 1;
}

function addStub(name, range, owner) {
  const { cpu, libc, os } = platformOf(name);
  if (!os && !cpu) {
    faults.push(`${name} (optional) is missing and its name tells no platform`);
    return;
  }
  const version = range.replace(/^[\^~]/, '');
  const stub = { version, ...(cpu && { cpu }), ...(owner.dev && { dev: true }), ...(libc && { libc }), optional: true, ...(os && { os }) };
  change(`${name} (optional) is missing`, () => {
    packages[`node_modules/${name}`] = stub;
  });
}

/** Makes the entry of a workspace package say what its package.json says; what it asks for must be in the lock. */
function align(key, entry) {
  const manifest = JSON.parse(readFileSync(new URL(`../${key ? `${key}/` : ''}package.json`, import.meta.url), 'utf8'));
  if (manifest.scripts?.postinstall && !entry.hasInstallScript) {
    change(`${key || 'the root'}: hasInstallScript is not said`, () => {
      entry.hasInstallScript = true;
    });
  }
  for (const field of ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']) {
    const wanted = manifest[field] ?? {};
    if (JSON.stringify(sorted(wanted)) === JSON.stringify(sorted(entry[field] ?? {}))) continue;
    const absent = Object.keys(wanted).filter((name) => !resolve(key, name) && field !== 'optionalDependencies');
    if (absent.length > 0) faults.push(`${absent.join(', ')} of ${key}/package.json are not in the lock: run npm install`);
    change(`${key || 'the root'}: ${field} differ from its package.json`, () => {
      if (manifest[field]) entry[field] = sorted(wanted);
      else delete entry[field];
    });
  }
}

for (const [key, entry] of Object.entries(packages)) {
  if (/^[a-z+]+:\/\//.test(entry.resolved ?? '')) faults.push(`${key} names an address: ${entry.resolved}`);
  if (!key.includes('node_modules/')) align(key, entry);
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (!resolve(key, name)) addStub(name, range, entry);
  }
}

for (const fault of faults) console.error(`package-lock.json: ${fault}`);
if (!check && changes > 0) {
  lock.packages = sorted(packages);
  const stamp = new URL('../node_modules/.maestro-lock', import.meta.url);
  const current = existsSync(stamp) && readFileSync(stamp, 'utf8') === readFileSync(file, 'utf8');
  for (const target of current ? [file, stamp] : [file]) writeFileSync(target, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${changes} entries completed`);
}
if (faults.length > 0) process.exitCode = 1;
