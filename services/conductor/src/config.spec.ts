import { parseConfig } from './config.ts';
import type { Config } from './config.ts';

const parse = (args: string[], environment: Record<string, string> = {}) => parseConfig(args, environment, '/somewhere');
const config = (args: string[], environment: Record<string, string> = {}): Config => {
  const parsed = parse(args, environment);
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
      port: 0,
      region: null,
      requireRegion: false,
      allowOrigins: [],
      tasksMax: 64,
      childrenMax: 2,
      logLevel: 'info',
      exitWithParent: false,
    });
  });
  it('takes flags before variables before defaults', () => {
    expect(config(['--port', '1'], { MAESTRO_PORT: '2', MAESTRO_TASKS_MAX: '3' })).toMatchObject({ port: 1, tasksMax: 3 });
  });
  it('resolves folders from where the user stands', () => {
    expect(config(['--data', 'd', '--workspace', '/w'])).toMatchObject({ dataDir: '/somewhere/d', workspaceDir: '/w' });
  });
  it('is frozen', () => {
    expect(Object.isFrozen(config([]))).toBe(true);
  });
  it('names all faults together', () => {
    expect(faults('--port', '70000', '--tasks-max', 'x', '--log-level', 'loud', '--host', '0.0.0.0', '--allow-origin', 'http://a/path')).toEqual([
      '--host: 0.0.0.0 is not a loopback address; other addresses need authentication, which this release does not offer',
      '--log-level: expected debug, info, warn or error, got loud',
      '--allow-origin: expected an origin such as https://host:port, got http://a/path',
      '--port: expected an integer from 0 to 65535, got 70000',
      '--tasks-max: expected an integer from 1 to 1024, got x',
    ]);
  });
  it('refuses unknown flags', () => {
    expect(faults('--prot', '1')[0]).toContain('--prot');
  });
  it.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost'])('binds to loopback %s', (host) => {
    expect(config(['--host', host]).host).toBe(host);
  });
  it('takes origins from flags and from the variable', () => {
    expect(config(['--allow-origin', 'https://a', '--allow-origin', 'http://b:1']).allowOrigins).toEqual(['https://a', 'http://b:1']);
    expect(config([], { MAESTRO_ALLOW_ORIGIN: 'https://a,https://b' }).allowOrigins).toEqual(['https://a', 'https://b']);
  });
  it('takes the region and whether it must be stated', () => {
    expect(config(['--region', 'EU', '--require-region'])).toMatchObject({ region: 'EU', requireRegion: true });
  });
});
