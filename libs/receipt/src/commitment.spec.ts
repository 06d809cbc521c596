import { commit, opens } from './commitment.ts';

describe('commitment', () => {
  const salt = '00'.repeat(16);
  it('is SHA-256 over the canonical triple', () => {
    expect(commit(salt, '/output', true)).toBe('95c41282185753e1a1d3416c9950fd82624d0393481c9f6756874525cbbaf7db');
  });
  it('opens with exactly its pointer, salt and value', () => {
    const commitment = commit(salt, '/output', { b: 1, a: 2 });
    expect(opens(commitment, ['/output', salt, { a: 2, b: 1 }])).toBe(true);
    expect(opens(commitment, ['/log', salt, { a: 2, b: 1 }])).toBe(false);
    expect(opens(commitment, ['/output', '11'.repeat(16), { a: 2, b: 1 }])).toBe(false);
    expect(opens(commitment, ['/output', salt, { a: 2, b: 2 }])).toBe(false);
  });
});
