import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, readConfig } from './config.ts';
import type { Config } from './config.ts';

const parse = (args: string[], environment: Record<string, string> = {}, cwd = '/somewhere') => parseConfig(args, environment, cwd);
const config = (args: string[], environment: Record<string, string> = {}, cwd?: string): Config => {
  const parsed = parse(args, environment, cwd);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join('; '));
  return parsed.config;
};
const faults = (...args: string[]): readonly string[] => {
  const parsed = parse(args);
  return parsed.kind === 'faults' ? parsed.faults : [];
};

describe('configuration', () => {
  it('has defaults for one person on one machine', () => {
    expect(config([])).toEqual({
      dataDir: '/somewhere/.maestro',
      workspaceDir: '/somewhere',
      host: '127.0.0.1',
      port: 4747,
      allowedHosts: [],
      auth: 'none',
      region: null,
      requireRegion: false,
      allowOrigins: [],
      tasksMax: 64,
      childrenMax: 2,
      logLevel: 'info',
      exitWithParent: false,
      tracing: { collector: null, sharePercent: 100 },
      cluster: null,
    });
  });
  it('takes flags before variables before defaults', () => {
    expect(config(['--port', '1'], { MAESTRO_PORT: '2', MAESTRO_TASKS_MAX: '3' })).toMatchObject({ port: 1, tasksMax: 3 });
  });
  it('resolves folders from where the user stands', () => {
    expect(config(['--data', 'd', '--workspace', '/w'])).toMatchObject({ dataDir: '/somewhere/d', workspaceDir: '/w' });
  });
  it('is frozen, lists included', () => {
    expect([config([]), config([]).allowOrigins, config([]).allowedHosts].every(Object.isFrozen)).toBe(true);
  });
  it('names all faults together, each with its source', () => {
    const parsed = parse(['--port', '70000', '--host', '0.0.0.0', '--allow-origin', 'http://a/path', '--require-region=perhaps', 'stray', '--region'], { MAESTRO_TASKS_MAX: 'x', MAESTRO_LOG_LEVEL: 'loud' });
    expect(parsed.kind === 'faults' && parsed.faults).toEqual([
      'stray: expected a flag such as --port',
      '--region: needs a value',
      '--port: expected an integer from 0 to 65535, got 70000',
      '--require-region: expected true or false, got perhaps',
      '--allow-origin: expected an origin such as https://host:port, got http://a/path',
      'MAESTRO_TASKS_MAX: expected an integer from 1 to 1024, got x',
      'MAESTRO_LOG_LEVEL: expected debug, info, warn or error, got loud',
      '--host: 0.0.0.0 is not a loopback address: whoever reaches it could run tasks; use --auth token, or a loopback address',
    ]);
  });
  it('refuses unknown flags and tells the known ones', () => {
    expect(faults('--prot', '1')[0]).toMatch(/^--prot: no such flag; there are .*--port/);
  });
  it.each(['1e3', '0x10', '-1', '1.5', ' 7', ''])('takes no number written as %j', (text) => {
    expect(faults(`--tasks-max=${text}`)).toEqual([`--tasks-max: expected an integer from 1 to 1024, got ${text}`]);
  });
  it.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost'])('binds to loopback %s without authentication', (host) => {
    expect(config(['--host', host]).host).toBe(host);
  });
  it.each(['0.0.0.0', '::', '192.0.2.7', 'maestro.example'])('binds to %s with a token only', (host) => {
    expect(faults('--host', host)).toHaveLength(1);
    expect(config(['--host', host, '--auth', 'token'])).toMatchObject({ host, auth: 'token' });
  });
  it('takes origins and hosts from repeated flags and from variables', () => {
    expect(config(['--allow-origin', 'https://a', '--allow-origin', 'http://b:1']).allowOrigins).toEqual(['https://a', 'http://b:1']);
    expect(config([], { MAESTRO_ALLOW_ORIGIN: 'https://a,https://b' }).allowOrigins).toEqual(['https://a', 'https://b']);
    expect(config(['--allow-host', 'ci.example:4747']).allowedHosts).toEqual(['ci.example:4747']);
    expect(faults('--allow-host', 'http://x/')[0]).toContain('expected a name such as maestro.example:4747');
  });
  it('takes the region and whether it must be stated; an empty region is none', () => {
    expect(config(['--region', 'EU', '--require-region'])).toMatchObject({ region: 'EU', requireRegion: true });
    expect(config(['--region', '', '--require-region=false'])).toMatchObject({ region: null, requireRegion: false });
  });
});

describe('a configuration file', () => {
  let folder: string;
  const file = (text: string, name = 'maestro.yaml'): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const faultsOf = (text: string): readonly string[] => {
    file(text);
    const parsed = parse([], {}, folder);
    return parsed.kind === 'faults' ? parsed.faults.map((fault) => fault.replace(folder, '.')) : [];
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is found in the current folder; variables and flags win over it; folders are meant from where it lies', () => {
    file('port: 1\ntasksMax: 2\nchildrenMax: 3\ndata: state\nallowOrigin: [https://a]\n');
    expect(config(['--port', '9'], { MAESTRO_TASKS_MAX: '8' }, folder)).toMatchObject({ port: 9, tasksMax: 8, childrenMax: 3, dataDir: join(folder, 'state'), allowOrigins: ['https://a'] });
  });
  it('is named by a flag or a variable, in YAML or JSON', () => {
    const path = file('{"port": 5, "requireRegion": true}', 'other.json');
    expect(config(['--config', path])).toMatchObject({ port: 5, requireRegion: true });
    expect(config([], { MAESTRO_CONFIG: path })).toMatchObject({ port: 5 });
    expect(faults('--config', join(folder, 'none.yaml'))[0]).toMatch(/none.yaml: cannot be read \(ENOENT\)/);
  });
  it('may be empty', () => {
    file('# nothing yet\n');
    expect(config([], {}, folder).port).toBe(4747);
  });
  it('has its faults named by line, all together, with those of other sources', () => {
    file('port: "80"\nprot: 1\ntasksMax: 0\nexitWithParent: true\nallowHost: maestro\n');
    const parsed = parse(['--children-max', '0'], {}, folder);
    expect(parsed.kind === 'faults' && parsed.faults.map((fault) => fault.replace(folder, '.'))).toEqual([
      expect.stringMatching(/^\.\/maestro\.yaml:2 prot: no such setting; there are profile, data, workspace, .*keys\.workFile$/),
      expect.stringMatching(/^\.\/maestro\.yaml:4 exitWithParent: no such setting/),
      './maestro.yaml:1 port: expected an integer from 0 to 65535, got 80',
      './maestro.yaml:5 allowHost: expected a name such as maestro.example:4747, got maestro',
      './maestro.yaml:3 tasksMax: expected an integer from 1 to 1024, got 0',
      '--children-max: expected an integer from 1 to 64, got 0',
    ]);
  });
  it.each([
    ['a key that stands twice', 'port: 1\nport: 2\n', /^\.\/maestro\.yaml:2:\d+: duplicated mapping key/],
    ['text that is no YAML', 'port: [\n', /^\.\/maestro\.yaml:\d+:\d+: /],
    ['an alias', 'region: &a EU\nhost: *a\n', /^\.\/maestro\.yaml:/],
    ['a list', '- port\n', /^\.\/maestro\.yaml:1: expected settings/],
    ['__proto__', '__proto__: {port: 1}\n', /__proto__/],
    ['64 KiB and more', `# ${'x'.repeat(65_536)}\n`, /at most 65536/],
    ['bytes that are no text', '\u0000', /^\.\/maestro\.yaml/],
  ])('refuses %s', (_, text, fault) => {
    expect(faultsOf(text)[0]).toMatch(fault);
  });
  it('is told apart from other sources', () => {
    const path = file('port: 1\n\nregion: EU\n');
    const { values, file: read } = readConfig(['--tasks-max', '2'], { MAESTRO_AUTH: 'token' }, folder);
    expect(read).toBe(path);
    const source = (name: string): unknown => values.find((value) => value.name === name)?.source;
    expect(['port', 'region', 'tasksMax', 'auth', 'host'].map(source)).toEqual([`${path}:1 port`, `${path}:3 region`, '--tasks-max', 'MAESTRO_AUTH', 'default']);
  });
});
