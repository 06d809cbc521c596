import { createHash } from 'node:crypto';
import type { ResolvedPackage, TaskPackages } from '@maestro/ports';
import { withAnnouncedPackages } from './announced-packages.ts';
import type { AnnouncedPackages } from './announced-packages.ts';

const closed = (properties: object): object => ({ type: 'object', additionalProperties: false, required: Object.keys(properties), properties });
const UPPER = { name: 'pkg:py/upper', version: '1.0.0', description: 'capitals', inputSchema: closed({ text: { type: 'string' } }), outputSchema: closed({ text: { type: 'string' } }), fenced: false, expectedDurationMs: 10 };
const KEY = 'py.upper.1_0_0';
const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const ECHO = { kind: 'resolved', uses: 'pkg:core/echo@1.0.0', definition: { name: 'pkg:core/echo' }, digest: 'd' } as unknown as ResolvedPackage;
const builtIn: TaskPackages = {
  resolve: (uses) => (uses === ECHO.uses ? ECHO : { kind: 'unknown', uses, known: [ECHO.uses] }),
  all: () => [ECHO],
  run: async () => ({ kind: 'cancelled', log: '' }),
  close: async () => {},
};

describe('announced packages', () => {
  let packages: AnnouncedPackages;
  beforeEach(() => {
    packages = withAnnouncedPackages(builtIn);
  });

  it('are offered beside those built in, pinned by the digest of what was published', () => {
    const bytes = bytesOf(UPPER);
    expect(packages.announce(KEY, bytes)).toBeNull();
    const found = packages.resolve('pkg:py/upper@1.0.0');
    expect(found).toMatchObject({ kind: 'resolved', digest: createHash('sha256').update(bytes).digest('hex'), workClass: 'py', definition: { name: 'pkg:py/upper', inline: false } });
    expect(packages.resolve(ECHO.uses)).toBe(ECHO);
    expect(packages.all()).toHaveLength(2);
    if (found.kind !== 'resolved') throw new Error('it was not found');
    expect(found.checkInput({ text: 'x' })).toEqual([]);
    expect(found.checkInput({ text: 1 })).toEqual([{ pointer: '/text', message: 'must be string' }]);
    expect(found.checkOutput({})).toHaveLength(1);
  });

  it('help to correct what is misspelt', () => {
    packages.announce(KEY, bytesOf(UPPER));
    expect(packages.resolve('pkg:py/upper@2.0.0')).toMatchObject({ kind: 'unknown', known: ['pkg:py/upper@1.0.0'] });
    expect(packages.resolve('pkg:py/lower@1.0.0')).toMatchObject({ kind: 'unknown', known: [ECHO.uses, 'pkg:py/upper@1.0.0'] });
  });

  it('do not change: the same bytes again are taken, others under the same version are not', () => {
    packages.announce(KEY, bytesOf(UPPER));
    expect(packages.announce(KEY, bytesOf(UPPER))).toBeNull();
    expect(packages.announce(KEY, bytesOf({ ...UPPER, description: 'other' }))).toMatch(/raise its version/);
    expect(packages.announce('py.upper.1_1_0-rc_1', bytesOf({ ...UPPER, version: '1.1.0-rc.1' }))).toBeNull();
  });

  it.each([
    ['a key that is another one', 'py.lower.1_0_0', bytesOf(UPPER), /belongs under the key py\.upper\.1_0_0/],
    ['a group of the conductor', 'core.upper.1_0_0', bytesOf({ ...UPPER, name: 'pkg:core/upper' }), /conductor's own/],
    ['a class of runners', 'large.upper.1_0_0', bytesOf({ ...UPPER, name: 'pkg:large/upper' }), /conductor's own/],
    ['an open schema', KEY, bytesOf({ ...UPPER, inputSchema: { type: 'object' } }), /closed objects/],
    ['what is no schema', KEY, bytesOf({ ...UPPER, outputSchema: closed({ a: { type: 'nothing' } }) }), /not JSON Schema/],
    ['a field that nobody knows', KEY, bytesOf({ ...UPPER, inline: true }), /additional properties/],
    ['no JSON', KEY, Buffer.from('{'), /not JSON/],
    ['no UTF-8', KEY, Buffer.from([0xff]), /not JSON/],
    ['too much', KEY, Buffer.alloc(256 * 1024 + 1), /at most/],
  ])('are refused for %s', (_, key, bytes, why) => {
    expect(packages.announce(key, bytes)).toMatch(why);
    expect(packages.all()).toEqual([ECHO]);
  });

  it('are not run here', async () => {
    const context = { executionId: 'x', taskId: 'a', attempt: 1, idempotencyKey: 'k', conductorUrl: null, timeoutMs: 1 };
    expect(await packages.run(ECHO.uses, {}, context, new AbortController().signal)).toEqual({ kind: 'cancelled', log: '' });
    await packages.close();
  });

  it('are bounded in number', () => {
    for (let i = 0; i < 1_000; i++) expect(packages.announce(`py.upper.1_0_${i}`, bytesOf({ ...UPPER, version: `1.0.${i}` }))).toBeNull();
    expect(packages.announce('py.upper.2_0_0', bytesOf({ ...UPPER, version: '2.0.0' }))).toMatch(/announced already/);
  });
});
