import * as nodeFiles from 'node:fs';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, isFault } from '@maestro/ports';
import { openAccessToken } from './access-token.ts';
import { openDataFolder, pathsOf } from './data-folder.ts';
import type { Files } from './data-folder.ts';
import { listen } from './listen.ts';
import { announce, isAlive, namingHolder, readPresence, withdraw } from './presence.ts';

let place: string;
let dir: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'maestro-folder-'));
  dir = join(place, 'data');
});
afterEach(() => rmSync(place, { recursive: true }));

const refusal = (work: () => unknown): string => {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return isFault(error) ? error.message : `not a fault: ${String(error)}`;
  }
};
const failing = (call: keyof Files, code: string): Files => ({
  ...nodeFiles,
  [call]: () => {
    throw Object.assign(new Error(`${code}: as planted`), { code });
  },
});

describe('a data folder', () => {
  it('is made private to the user, and used again', () => {
    for (const _ of ['first start', 'second start']) {
      expect(openDataFolder(dir)).toEqual(pathsOf(dir));
      expect(readFileSync(join(dir, 'version'), 'utf8')).toBe('1\n');
      expect([statSync(dir).mode & 0o777, statSync(join(dir, 'version')).mode & 0o777]).toEqual([0o700, 0o600]);
    }
  });
  it('that is a file, or lies below one, or at the end of a circle of links, is refused', () => {
    writeFileSync(join(place, 'file'), '');
    symlinkSync(join(place, 'loop'), join(place, 'loop'));
    for (const path of ['file', 'file/data', 'loop/data']) {
      expect([path, refusal(() => openDataFolder(join(place, path)))]).toEqual([path, expect.stringMatching(/^DATA_FOLDER_INVALID: the data folder .* choose another folder with --data$/)]);
    }
  });
  it('whose version file is a folder is refused', () => {
    mkdirSync(join(dir, 'version'), { recursive: true });
    expect(refusal(() => openDataFolder(dir))).toMatch(/^DATA_FOLDER_INVALID: .*EISDIR/);
  });
  it('of a newer release is refused and not touched', () => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'version'), '2\n');
    expect(refusal(() => openDataFolder(dir))).toMatch(/^STORE_NEWER: .*layout 2, this one knows 1.*upgrade/);
    expect(readFileSync(join(dir, 'version'), 'utf8')).toBe('2\n');
  });
  it.each(['', 'one', '1.5', '-1'])('whose version says %j is refused', (text) => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'version'), text);
    expect(refusal(() => openDataFolder(dir))).toMatch(/^DATA_FOLDER_INVALID: .*holds no layout number/);
  });
  it.each<[keyof Files, string, string, RegExp]>([
    ['mkdirSync', 'EACCES', 'DATA_FOLDER_DENIED', /chown/],
    ['chmodSync', 'EPERM', 'DATA_FOLDER_DENIED', /chown/],
    ['readFileSync', 'EACCES', 'DATA_FOLDER_DENIED', /chown/],
    ['mkdirSync', 'EROFS', 'DATA_FOLDER_READ_ONLY', /mount it writable/],
    ['writeFileSync', 'EROFS', 'DATA_FOLDER_READ_ONLY', /mount it writable/],
    ['writeFileSync', 'ENOSPC', 'DATA_FOLDER_FULL', /free space/],
    ['renameSync', 'EDQUOT', 'DATA_FOLDER_FULL', /free space/],
  ])('on which %s fails with %s is refused with %s', (call, errno, code, advice) => {
    const told = refusal(() => openDataFolder(dir, failing(call, errno)));
    expect(told).toMatch(new RegExp(`^${code}: the data folder .*\\(${errno}\\)`));
    expect(told).toMatch(advice);
  });
  it('below one that takes no new folders is refused for what that one says, not for the ENOENT of Node', () => {
    const told = (errno: string): string => refusal(() => openDataFolder(join(dir, 'below'), { ...failing('mkdirSync', 'ENOENT'), accessSync: failing('accessSync', errno).accessSync }));
    expect([told('EROFS'), told('EACCES')]).toEqual([expect.stringMatching(/^DATA_FOLDER_READ_ONLY: .*EROFS/), expect.stringMatching(/^DATA_FOLDER_DENIED: .*EACCES/)]);
    expect(refusal(() => openDataFolder(dir, failing('mkdirSync', 'ENOENT')))).toMatch(/^DATA_FOLDER_INVALID: .*no folder can be made/);
  });
  it('leaves errors that nobody planned for as they are', () => {
    expect(refusal(() => openDataFolder(dir, failing('writeFileSync', 'EIO')))).toMatch(/^not a fault: .*EIO/);
  });
});

describe('who holds a folder', () => {
  const held = new Fault('STORE_IN_USE', 'somebody holds it');
  const told = (error: unknown): string => (namingHolder(pathsOf(dir), error) as Error).message;
  beforeEach(() => void openDataFolder(dir));

  it('is named by process and address while it lives', () => {
    announce(pathsOf(dir), { pid: process.pid, url: 'http://127.0.0.1:4747', startedAt: 'then', version: '0' });
    expect(told(held)).toMatch(new RegExp(`held by pid ${process.pid}, which serves at http://127.0.0.1:4747 since then`));
    withdraw(pathsOf(dir));
    expect(readPresence(pathsOf(dir))).toBeUndefined();
  });
  it('is not guessed from a leftover, or from anything else', () => {
    const gone = 2 ** 22 + 1; // above the largest process id of Linux
    expect(isAlive(gone)).toBe(false);
    announce(pathsOf(dir), { pid: gone, url: 'http://127.0.0.1:1', startedAt: 'then', version: '0' });
    expect(told(held)).toMatch(/held by another process, which does not serve yet/);
    for (const text of ['', '{}', '{"pid":1,"url":"nowhere"}', '[']) {
      writeFileSync(pathsOf(dir).presence, text);
      expect(told(held)).toMatch(/another process/);
    }
    expect(namingHolder(pathsOf(dir), 'else')).toBe('else');
  });
});

describe('the token of a folder', () => {
  beforeEach(() => void openDataFolder(dir));

  it('is 256 bits, made once, and private to the user', () => {
    const token = openAccessToken(pathsOf(dir));
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(openAccessToken(pathsOf(dir))).toBe(token);
    expect(statSync(pathsOf(dir).token).mode & 0o777).toBe(0o600);
  });
  it('is refused where it is none, or where others could read it', () => {
    writeFileSync(pathsOf(dir).token, 'short\n', { mode: 0o600 });
    expect(refusal(() => openAccessToken(pathsOf(dir)))).toMatch(/^KEY_DAMAGED: .*holds no token: delete it/);
    rmSync(pathsOf(dir).token);
    openAccessToken(pathsOf(dir));
    nodeFiles.chmodSync(pathsOf(dir).token, 0o644);
    expect(refusal(() => openAccessToken(pathsOf(dir)))).toMatch(/^KEY_DAMAGED: .*read by others \(mode 644\)/);
  });
});

describe('an address', () => {
  const server = (code?: string) => ({
    listen: async () => {
      if (code !== undefined) throw Object.assign(new Error(code), { code });
    },
    getHttpServer: () => ({ address: () => ({ port: 7 }) }),
  });
  const tried = (host: string, code?: string): Promise<string> => listen(server(code) as unknown as Parameters<typeof listen>[0], { host, port: 80 }).catch((error: Error) => error.message);

  it.each([
    ['EADDRINUSE', /^PORT_IN_USE: port 80 of h is taken/],
    ['EACCES', /^PORT_DENIED: .*1024/],
    ['EADDRNOTAVAIL', /^ADDRESS_UNAVAILABLE: .*--host/],
    ['ENOTFOUND', /^ADDRESS_UNAVAILABLE: .*--host/],
    ['EIO', /^EIO$/],
  ])('that fails with %s is refused for that reason', async (errno, told) => {
    expect(await tried('h', errno)).toMatch(told);
  });
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:7'],
    ['::1', 'http://[::1]:7'],
    ['0.0.0.0', 'http://127.0.0.1:7'],
    ['::', 'http://[::1]:7'],
    ['maestro.example', 'http://maestro.example:7'],
  ])('%s is told as %s', async (host, url) => {
    expect(await tried(host)).toBe(url);
  });
});
