import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { eventHash, eventId, merkleRoot, sha256 } from './chain.ts';

const node = (left: string, right: string) =>
  createHash('sha256').update(Buffer.concat([Buffer.of(1), Buffer.from(left, 'hex'), Buffer.from(right, 'hex')])).digest('hex');
const leaves = (n: number) => Array.from({ length: n }, (_, i) => sha256(String(i))) as [string, ...string[]];

describe('event hash', () => {
  it('is SHA-256 over a zero byte and the bytes', () => {
    expect(eventHash(Buffer.from('abc'))).toBe(sha256(Buffer.from('\0abc')));
  });
});

describe('event id', () => {
  it('is a UUID of version 8, the same for the same content', () => {
    const id = eventId('execution-1', 'c1', 0, sha256('x'));
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(eventId('execution-1', 'c1', 0, sha256('x'))).toBe(id);
  });
  it.each([
    ['execution-2', 'c1', 0, 'x'],
    ['execution-1', 'c2', 0, 'x'],
    ['execution-1', 'c1', 1, 'x'],
    ['execution-1', 'c1', 0, 'y'],
  ])('differs for %s %s %i %s', (stream, command, index, content) => {
    expect(eventId(stream, command, index, sha256(content))).not.toBe(eventId('execution-1', 'c1', 0, sha256('x')));
  });
});

describe('Merkle root (RFC 6962)', () => {
  it('of one leaf is the leaf', () => {
    expect(merkleRoot(leaves(1))).toBe(sha256('0'));
  });
  it('splits at the largest power of two below the size', () => {
    const [a, b, c, d, e] = leaves(5);
    expect(merkleRoot(leaves(3))).toBe(node(node(a, b as string), c as string));
    expect(merkleRoot(leaves(5))).toBe(node(node(node(a, b as string), node(c as string, d as string)), e as string));
  });
  it('changes when any leaf changes, leaves or moves', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), (n, pick) => {
        const all = leaves(n);
        const at = pick % n;
        const changed = all.map((leaf, i) => (i === at ? sha256('other') : leaf)) as [string, ...string[]];
        const fewer = all.filter((_, i) => i !== at) as [string, ...string[]];
        const swapped = [all[n - 1], ...all.slice(1, n - 1), all[0]] as [string, ...string[]];
        const root = merkleRoot(all);
        return [changed, fewer, swapped].every((other) => merkleRoot(other) !== root);
      }),
    );
  });
});
