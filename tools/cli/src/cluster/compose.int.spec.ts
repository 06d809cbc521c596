import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '@maestro/conductor';
import { parse } from 'yaml';
import { DEFAULT_SCALE } from './plan-roles.ts';

type Mount = string | { readonly source: string; readonly target: string };
type Service = { readonly image: string; readonly command?: readonly string[]; readonly deploy?: { readonly replicas: number }; readonly secrets?: readonly Mount[]; readonly configs?: readonly Mount[]; readonly volumes?: readonly string[]; readonly depends_on?: readonly string[] };
type Compose = {
  readonly services: { readonly [name: string]: Service };
  readonly configs: { readonly [name: string]: { readonly file: string } };
  readonly secrets: { readonly [name: string]: { readonly file: string } };
  readonly volumes: { readonly [name: string]: null };
};

const folder = fileURLToPath(new URL('../../../../infra/compose/', import.meta.url));
const compose = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8'), { merge: true }) as Compose;
const roles = Object.keys(DEFAULT_SCALE);
const sourceOf = (mount: Mount): string => (typeof mount === 'string' ? mount : mount.source);
const service = (name: string): Service => compose.services[name] as Service;

describe('infra/compose', () => {
  it('runs as many processes of each role as a local cluster', () => {
    expect(Object.fromEntries(roles.map((role) => [role, service(role).deploy?.replicas]))).toEqual(DEFAULT_SCALE);
  });

  it('names everything that it uses, and pins every image', () => {
    for (const [name, { image, secrets = [], configs = [], volumes = [], depends_on: others = [] }] of Object.entries(compose.services)) {
      expect([name, image]).toEqual([name, expect.stringMatching(/^[a-z/-]+:v?\d+\.\d+(\.\d+)?$/)]);
      expect(secrets.map(sourceOf).filter((secret) => compose.secrets[secret] === undefined)).toEqual([]);
      expect(configs.map(sourceOf).filter((config) => compose.configs[config] === undefined)).toEqual([]);
      expect(volumes.map((volume) => volume.split(':')[0] as string).filter((volume) => !(volume in compose.volumes))).toEqual([]);
      expect(others.filter((other) => compose.services[other] === undefined)).toEqual([]);
    }
    for (const { file } of Object.values(compose.configs)) expect(existsSync(join(folder, file))).toBe(true);
    const used = new Set(Object.values(compose.services).flatMap(({ secrets = [] }) => secrets.map(sourceOf)));
    expect(Object.keys(compose.secrets).filter((secret) => !used.has(secret))).toEqual([]);
  });

  it.each(roles)('gives role %s a command line and secrets with which it starts', (role) => {
    const { command = [], secrets = [] } = service(role);
    const temporary = mkdtempSync(join(tmpdir(), 'maestro-compose-'));
    try {
      // as the container sees it: the secrets that are mounted, and no other
      for (const mount of secrets) {
        const path = join(temporary, typeof mount === 'string' ? mount : mount.target);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, 'x'.repeat(44), { mode: 0o600 });
      }
      const config = join(temporary, 'cluster.yaml');
      writeFileSync(config, readFileSync(join(folder, 'cluster.yaml'), 'utf8').replaceAll('/run/secrets', temporary));
      const [verb, ...flags] = command.map((word) => (word === '/etc/maestro/cluster.yaml' ? config : word));
      expect(verb).toBe('up');
      const parsed = parseConfig(flags, {}, temporary);
      expect(parsed).toMatchObject({ kind: 'config', config: { cluster: { roles: [role] } } });
    } finally {
      rmSync(temporary, { recursive: true });
    }
  });

  it('gives nobody a secret that is not its own', () => {
    const secretsOf = (role: string): readonly string[] => (service(role).secrets ?? []).map(sourceOf);
    expect([secretsOf('policy'), secretsOf('runner')]).toEqual([['nats-seed'], ['nats-seed']]);
    expect(roles.filter((role) => secretsOf(role).includes('signing-key'))).toEqual(['receipt']);
    expect(roles.filter((role) => secretsOf(role).includes('wrapping-keys'))).toEqual(['api', 'command']);
    expect(roles.filter((role) => secretsOf(role).includes('work-key'))).toEqual(['command']);
    expect(roles.filter((role) => secretsOf(role).includes('access-token'))).toEqual(['api']);
  });
});
