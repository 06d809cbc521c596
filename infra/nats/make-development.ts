// Makes everything that a nats-server needs for development: keys of all users, a certificate, a key of the encryption at rest,
// and the configuration. Nothing of it is committed; production takes its own keys and certificates, and the same permissions.
//
//   node infra/nats/make-development.ts --out DIR [--caller NAME]… [--worker GROUP]… [--prefix mc] [--port 4222] [--events nats|elsewhere]
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createUser } from '@nats-io/nkeys';
import { permissionsOf } from './permissions.ts';
import type { Deployment } from './permissions.ts';
import { accountsText, serverText } from './server-configuration.ts';

/** What was made: paths of files. `seedOf`: file with the seed of a user, only for its owner to read. */
export type MadeConfiguration = { readonly configFile: string; readonly caFile: string; readonly seedOf: (user: string) => string };

/** Folders as `certificate` makes them. */
const CERTIFICATE_DAYS = '30';

/** Writes into `folder`, which must not hold a configuration already: keys that are in use are not replaced by accident. */
export function makeDevelopment(folder: string, d: Deployment, port: number): MadeConfiguration {
  const configFile = join(folder, 'nats.conf');
  if (existsSync(configFile)) throw new Error(`${configFile} is there already: give another folder, or remove it`);
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const permissions = permissionsOf(d);
  const seedOf = (user: string): string => join(folder, 'keys', `${user}.nk`);
  const keys = new Map([...permissions.keys(), 'operator', 'system'].map((user) => {
    const pair = createUser();
    writeFileSync(seedOf(user), new TextDecoder().decode(pair.getSeed()), { mode: 0o600 });
    return [user, pair.getPublicKey()];
  }));
  const caFile = certificate(folder);
  const storageKeyFile = join(folder, 'keys', 'storage.conf');
  writeFileSync(storageKeyFile, `cipher: chachapoly\nkey: "${randomBytes(32).toString('hex')}"\n`, { mode: 0o600 });
  const server = serverText({
    name: 'nats-1',
    host: '127.0.0.1',
    port,
    tls: { certFile: join(folder, 'server.pem'), keyFile: join(folder, 'keys', 'server-key.pem') },
    storeDir: join(folder, 'data'),
    storageKeyFile: 'keys/storage.conf',
  });
  writeFileSync(configFile, `${server}${accountsText(permissions, keys)}`, { mode: 0o600 });
  return { configFile, caFile, seedOf };
}

/** A certificate for this machine, by an authority whose key is thrown away: nobody can make a second one. */
function certificate(folder: string): string {
  const temporary = mkdtempSync(join(tmpdir(), 'maestro-ca-'));
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: temporary, stdio: ['ignore', 'ignore', 'pipe'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    openssl('req', '-x509', ...key, '-keyout', 'ca-key.pem', '-out', join(folder, 'ca.pem'), '-days', CERTIFICATE_DAYS, '-subj', '/CN=Maestro development');
    const serverKey = join(folder, 'keys', 'server-key.pem');
    openssl('req', ...key, '-keyout', serverKey, '-out', 'server.csr', '-subj', '/CN=localhost');
    chmodSync(serverKey, 0o600);
    writeFileSync(join(temporary, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    openssl('x509', '-req', '-in', 'server.csr', '-CA', join(folder, 'ca.pem'), '-CAkey', 'ca-key.pem', '-CAcreateserial', '-out', join(folder, 'server.pem'), '-days', CERTIFICATE_DAYS, '-extfile', 'names');
  } finally {
    rmSync(temporary, { recursive: true });
  }
  return join(folder, 'ca.pem');
}

function main(): void {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      caller: { type: 'string', multiple: true, default: [] },
      worker: { type: 'string', multiple: true, default: [] },
      prefix: { type: 'string', default: 'mc' },
      port: { type: 'string', default: '4222' },
      events: { type: 'string', default: 'elsewhere' },
    },
  });
  if (values.out === undefined) throw new Error('--out DIR is missing: where keys and configuration go');
  const folder = isAbsolute(values.out) ? values.out : resolve(values.out);
  const deployment = { prefix: values.prefix, callers: values.caller, workers: values.worker, classes: ['small', 'medium', 'large'], eventsInNats: values.events === 'nats' };
  const made = makeDevelopment(folder, deployment, Number(values.port));
  console.log(`configuration: ${made.configFile}\nauthority:     ${made.caFile}\nseeds:         ${join(folder, 'keys', '<user>.nk')}\nstart it with: nats-server -c ${made.configFile}`);
}

if (import.meta.main) main();
