import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '@maestro/domain';
import type { PackageContext } from '@maestro/worker';
import { digest } from './digest.ts';
import { read } from './read.ts';
import { write } from './write.ts';

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

let workspaceDir: string;
let context: PackageContext;
beforeEach(async () => {
  workspaceDir = await mkdtemp(join(tmpdir(), 'maestro-files-'));
  await writeFile(join(workspaceDir, 'a.txt'), 'alpha');
  await writeFile(join(workspaceDir, 'b.txt'), 'beta');
  context = {
    executionId: 'e',
    taskId: 't',
    attempt: 1,
    idempotencyKey: 'k',
    conductorUrl: null,
    timeoutMs: 1000,
    signal: new AbortController().signal,
    log: () => undefined,
    settings: { workspaceDir },
  };
});
afterEach(() => rm(workspaceDir, { recursive: true, force: true }));

const attempt = async (run: () => Json | Promise<Json>): Promise<Json> => run();

describe('file packages', () => {
  it('run in child processes, never inline', () => {
    expect([digest, read, write].map((p) => `${p.name}@${p.version} ${p.inline}`)).toEqual([
      'pkg:file/digest@1.0.0 false',
      'pkg:file/read@1.0.0 false',
      'pkg:file/write@1.0.0 false',
    ]);
  });

  it('read gives text with digest and size', async () => {
    expect(await read.run({ path: 'a.txt' }, context)).toEqual({ text: 'alpha', sizeBytes: 5, digest: sha256('alpha') });
  });

  it('read gives other bytes as base64 only: text would change them in silence', async () => {
    await writeFile(join(workspaceDir, 'bin'), Buffer.from([0xff, 0x00]));
    expect(await read.run({ path: 'bin', encoding: 'base64' }, context)).toMatchObject({ base64: '/wA=', sizeBytes: 2 });
    await expect(attempt(() => read.run({ path: 'bin' }, context))).rejects.toMatchObject({ code: 'FILE_NOT_TEXT' });
  });

  it('read keeps a byte order mark and refuses more than maxBytes', async () => {
    await writeFile(join(workspaceDir, 'bom'), '\ufeffx');
    expect(await read.run({ path: 'bom' }, context)).toMatchObject({ text: '\ufeffx' });
    await expect(attempt(() => read.run({ path: 'a.txt', maxBytes: 4 }, context))).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    });
  });

  it('digest of one path is the digest of the file', async () => {
    expect(await digest.run({ path: 'a.txt' }, context)).toEqual({
      files: [{ path: 'a.txt', digest: sha256('alpha'), sizeBytes: 5 }],
      digest: sha256('alpha'),
      count: 1,
    });
  });

  it('digest of many paths covers names, contents and order', async () => {
    const both = (paths: string[]) => digest.run({ paths }, context);
    const expected = sha256(`[["a.txt","${sha256('alpha')}"],["b.txt","${sha256('beta')}"]]`);
    expect(await both(['a.txt', 'b.txt'])).toMatchObject({ digest: expected, count: 2 });
    expect(await both(['b.txt', 'a.txt'])).not.toMatchObject({ digest: expected });
  });

  it('digest stops when the attempt is cancelled', async () => {
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(attempt(() => digest.run({ path: 'a.txt' }, { ...context, signal }))).rejects.toThrow('cancelled');
  });

  it('write stores text as it is and a value as indented JSON, and says what it wrote', async () => {
    expect(await write.run({ path: 'out/x.txt', text: 'grün' }, context)).toEqual({
      path: 'out/x.txt',
      digest: sha256('grün'),
      sizeBytes: 5,
    });
    await write.run({ path: 'x.json', json: { a: [1] } }, context);
    expect(await readFile(join(workspaceDir, 'x.json'), 'utf8')).toBe('{\n  "a": [\n    1\n  ]\n}\n');
    await write.run({ path: 'null.json', json: null }, context);
    expect(await readFile(join(workspaceDir, 'null.json'), 'utf8')).toBe('null\n');
    await write.run({ path: 'empty.txt', text: '' }, context);
    expect(await readFile(join(workspaceDir, 'empty.txt'), 'utf8')).toBe('');
  });

  it('all three stay in the workspace', async () => {
    for (const run of [read.run, digest.run]) {
      await expect(attempt(() => run({ path: '../x' }, context))).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' });
    }
    await expect(attempt(() => write.run({ path: '/x', text: '' }, context))).rejects.toMatchObject({
      code: 'PATH_FORBIDDEN',
    });
  });
});
