import { createSecretKey, randomBytes } from 'node:crypto';
import { openValue, sealValue } from './value-cipher.ts';

describe('values under a data key', () => {
  it('open as they were, also where they are worked on in slices, while others have their turn', async () => {
    const key = createSecretKey(randomBytes(32));
    const plaintext = randomBytes(3 * (1 << 20) + 5);
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 0);
    const sealed = await sealValue(key, 'event', plaintext);
    const opened = await openValue(key, 'key', 'event', sealed);
    clearInterval(counting);
    expect(sealed).toHaveLength(plaintext.length + 28);
    expect(Buffer.compare(Buffer.from(opened), plaintext)).toBe(0);
    expect(turns).toBeGreaterThan(0);
  });
});
