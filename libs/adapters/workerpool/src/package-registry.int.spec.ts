import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { definePackage } from '@maestro/worker';
import * as hostile from '../fixtures/hostile-packages.ts';
import { codeDigest, packageDigest } from './package-digest.ts';
import { PackageRegistry } from './package-registry.ts';

const group = new URL('../../../packages/core/', import.meta.url);
let folder: string;
let copy: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maestro-digest-'));
  await cp(fileURLToPath(group), folder, { recursive: true });
  copy = pathToFileURL(join(folder, 'src', 'index.ts')).href;
});
afterEach(() => rm(folder, { recursive: true }));

describe('the digest of code', () => {
  const original = codeDigest([new URL('src/index.ts', group).href]);

  it('is the same in another folder, from source and from dist', () => {
    expect(original).toMatch(/^[0-9a-f]{64}$/);
    expect(codeDigest([copy])).toBe(original);
    expect(codeDigest([pathToFileURL(join(folder, 'dist', 'index.js')).href])).toBe(original);
  });

  it('does not see tests and line ends', async () => {
    const echo = join(folder, 'src', 'echo.ts');
    await writeFile(echo, (await readFile(echo, 'utf8')).replaceAll('\n', '\r\n'));
    await writeFile(join(folder, 'src', 'new.spec.ts'), 'test');
    await writeFile(join(folder, 'src', 'notes.md'), 'notes');
    expect(codeDigest([copy])).toBe(original);
  });

  it.each([
    ['a changed source', 'src/echo.ts', '// more\n'],
    ['a new source', 'src/deep.ts', 'export {};\n'],
    ['another version of a library', 'package.json', '{"dependencies":{"@maestro/worker":"9.9.9"}}'],
  ])('sees %s', async (_name, path, text) => {
    await writeFile(join(folder, path), text);
    expect(codeDigest([copy])).not.toBe(original);
  });

  it('sees the code that a group is built on', () => {
    expect(codeDigest([copy, new URL('../../../worker/src/index.ts', import.meta.url).href])).not.toBe(original);
  });
});

describe('the registry of packages', () => {
  const registry = new PackageRegistry([hostile]);

  it('resolves an exact version, with its definition and its digest', () => {
    const found = registry.resolve('pkg:test/echo@1.0.0');
    expect(found).toMatchObject({
      kind: 'resolved',
      uses: 'pkg:test/echo@1.0.0',
      definition: { name: 'pkg:test/echo', version: '1.0.0', inline: false },
    });
    expect(found).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(Object.keys((found as { definition: object }).definition)).not.toContain('run');
  });

  it('gives every package its own digest, which covers the definition', () => {
    const digests = registry.all().map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(hostile.packages.length);
    const [first] = registry.all();
    if (first === undefined) throw new Error('no package');
    expect(packageDigest({ ...first.definition, fenced: true }, 'code')).not.toBe(packageDigest(first.definition, 'code'));
    expect(packageDigest(first.definition, 'other')).not.toBe(packageDigest(first.definition, 'code'));
  });

  it('names the versions of a package that it has in another version, else all', () => {
    expect(registry.resolve('pkg:test/echo@2.0.0')).toEqual({
      kind: 'unknown',
      uses: 'pkg:test/echo@2.0.0',
      known: ['pkg:test/echo@1.0.0'],
    });
    const unknown = registry.resolve('pkg:none/none@1.0.0') as unknown as { known: string[] };
    expect(unknown.known).toEqual([...unknown.known].sort());
    expect(unknown.known).toHaveLength(hostile.packages.length);
  });

  it.each(['__proto__', 'constructor', '', 'pkg:test/echo', 'pkg:test/echo@', 'pkg:test/echo@^1.0.0', 'pkg:test/Echo@1.0.0'])(
    'does not know %j',
    (uses) => {
      expect(registry.resolve(uses).kind).toBe('unknown');
    },
  );

  it('refuses the same version twice', () => {
    const [first] = hostile.packages;
    if (first === undefined) throw new Error('no package');
    expect(() => new PackageRegistry([hostile, { url: hostile.url, packages: [definePackage(first)] }])).toThrow(
      /given twice/,
    );
  });
});
