import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, readConfig } from '../config.ts';
import type { Config } from '../config.ts';

const SECRETS = { MAESTRO_KEYS_WORK: 'hush'.repeat(8), MAESTRO_POSTGRES_URL: 'postgres://u:hush@h/db', MAESTRO_KEYS_WRAPPING_FILE: '/k/wrapping', MAESTRO_EVENTSTOREDB_CONNECTION: 'esdb://a:hush@h' };
const CLUSTER = ['--profile', 'cluster'];
const NATS = ['--nats-servers', 'nats://a:4222,nats://b:4222'];

const read = (args: readonly string[], environment: Record<string, string> = {}, cwd = '/somewhere'): Config => {
  const parsed = parseConfig([...CLUSTER, ...args], environment, cwd);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  return parsed.config;
};
const faults = (args: readonly string[], environment: Record<string, string> = {}): readonly string[] => {
  const parsed = parseConfig([...CLUSTER, ...args], environment, '/somewhere');
  return parsed.kind === 'faults' ? parsed.faults : [];
};

describe('configuration of a process of a cluster', () => {
  it('has all roles unless some are named, in one order', () => {
    expect(read([...NATS, '--s3-bucket', 'b'], SECRETS).cluster?.roles).toEqual(['api', 'command', 'policy', 'runner', 'projector', 'receipt']);
    expect(read([...NATS, '--role', 'runner,policy']).cluster?.roles).toEqual(['policy', 'runner']);
    expect(faults([...NATS, '--role', 'runner,cook'])[0]).toBe('--role: expected a list of api, command, policy, runner, projector or receipt, got runner,cook');
  });

  it.each([
    ['runner', ['nats.servers']],
    ['policy', ['nats.servers']],
    ['projector', ['eventstoredb.connectionFile', 'postgres.urlFile']],
    ['receipt', ['eventstoredb.connectionFile', 'postgres.urlFile', 's3.bucket']],
    ['command', ['nats.servers', 'eventstoredb.connectionFile', 'postgres.urlFile', 's3.bucket', 'keys.wrappingFile', 'keys.workFile']],
    ['api', ['nats.servers', 'eventstoredb.connectionFile', 'postgres.urlFile', 's3.bucket', 'keys.wrappingFile']],
  ])('asks role %s for what it may touch, and for nothing else', (role, needed) => {
    expect(faults(['--role', role]).map((fault) => fault.split(':')[0])).toEqual(needed);
  });

  it('needs no EventStoreDB where NATS holds the events', () => {
    expect(faults(['--role', 'projector', '--store-engine', 'jetstream'], SECRETS).map((fault) => fault.split(':')[0])).toEqual(['nats.servers']);
  });

  it.each(['projector', 'receipt'])('lets role %s authenticate where NATS holds the events, and only there', (role) => {
    const seedOf = (engine: string) => read([...NATS, '--s3-bucket', 'b', '--role', role, '--store-engine', engine], { ...SECRETS, MAESTRO_NATS_SEED: 'SUABC' }).cluster?.nats.seed?.reveal();
    expect([seedOf('jetstream'), seedOf('eventstoredb')]).toEqual(['SUABC', undefined]);
  });

  it('takes a token that all api processes share, and no half of a pair', () => {
    const roles = [...NATS, '--s3-bucket', 'b', '--role', 'api', '--auth', 'token'];
    expect(faults(roles, SECRETS)).toEqual([expect.stringMatching(/^accessTokenFile: /)]);
    expect(read(roles, { ...SECRETS, MAESTRO_ACCESS_TOKEN: 't' }).cluster?.accessToken?.reveal()).toBe('t');
    expect(faults([...NATS, '--role', 'runner', '--nats-key-file', 'k'])).toEqual(['nats.certFile, nats.keyFile: one without the other']);
    expect(faults([...NATS, '--role', 'runner', '--prefix', 'A.b'])[0]).toMatch(/^prefix: expected 1 to 16/);
  });

  it('lets a role without REST bind any address without a token', () => {
    expect(read([...NATS, '--role', 'runner', '--host', '0.0.0.0']).host).toBe('0.0.0.0');
    expect(faults([...NATS, '--s3-bucket', 'b', '--role', 'api', '--host', '0.0.0.0'], SECRETS)).toEqual([expect.stringMatching(/not a loopback address/)]);
  });
});

describe('secrets', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('come from the file that the configuration names, in sections, relative to it', () => {
    writeFileSync(join(folder, 'pg'), 'postgres://hush\n');
    writeFileSync(join(folder, 'maestro.yaml'), 'role: [projector]\nstore:\n  engine: jetstream\nnats:\n  servers: [nats://n:4222]\npostgres:\n  urlFile: pg\n  poolMax: 4\n');
    const { cluster } = read([], {}, folder);
    expect([cluster?.postgres.url?.reveal(), cluster?.postgres.poolMax, cluster?.nats.servers, cluster?.store.engine]).toEqual(['postgres://hush', 4, ['nats://n:4222'], 'jetstream']);
  });

  it('are never told, wherever they came from', () => {
    const reading = readConfig([...CLUSTER, ...NATS, '--s3-bucket', 'b'], SECRETS, folder);
    expect(JSON.stringify(reading)).not.toContain('hush');
    expect(JSON.stringify(reading)).toContain('(secret of MAESTRO_POSTGRES_URL)');
  });

  it('of other roles are not read: one file names those of all, each mounted where it is needed', () => {
    writeFileSync(join(folder, 'seed'), 'SUABC');
    const all = 'accessTokenFile: gone\neventstoredb: {connectionFile: gone}\npostgres: {urlFile: gone}\ns3: {bucket: b, accessKeyFile: gone, secretKeyFile: gone}\nkeys: {workFile: gone}\nnats: {servers: [nats://n:4222], seedFile: seed}\n';
    writeFileSync(join(folder, 'maestro.yaml'), all);
    expect(read(['--role', 'runner,policy'], {}, folder).cluster?.nats.seed?.reveal()).toBe('SUABC');
    const projector = parseConfig([...CLUSTER, '--role', 'projector'], {}, folder);
    expect(projector.kind === 'faults' && projector.faults.filter((fault) => fault.includes('cannot be read')).map((fault) => fault.split(' ')[1])).toEqual(['eventstoredb.connectionFile:', 'postgres.urlFile:']);
    expect(parseConfig([], {}, folder).kind).toBe('config');
  });

  it('that cannot be read are named by file and setting', () => {
    writeFileSync(join(folder, 'empty'), '\n');
    const [empty, missing] = faults([...NATS, '--s3-bucket', 'b', '--role', 'api', '--nats-seed-file', join(folder, 'none'), '--access-token-file', join(folder, 'empty')], SECRETS).toSorted();
    expect([empty, missing]).toEqual([`--access-token-file: ${join(folder, 'empty')} is empty`, `--nats-seed-file: ${join(folder, 'none')} cannot be read (ENOENT); name a file that exists`]);
  });

  it('have no place in a configuration file itself', () => {
    writeFileSync(join(folder, 'maestro.yaml'), 'postgres:\n  url: postgres://u:p@h/db\n  poolMax: 0\n');
    const parsed = parseConfig([], {}, folder);
    expect(parsed.kind === 'faults' && parsed.faults.map((fault) => fault.replace(`${folder}/`, '').slice(0, 62))).toEqual([
      'maestro.yaml:2 postgres.url: no such setting; there are profil',
      'maestro.yaml:3 postgres.poolMax: expected an integer from 2 to',
    ]);
  });
});
