import { keyVaultConformance } from '@maestro/conformance';
import { MemoryKeyVault } from './key-vault.ts';

keyVaultConformance(
  'memory',
  async () => {
    const vault = new MemoryKeyVault();
    return { vault, dispose: () => vault.close() };
  },
  { notApplicable: { 12: 'keeps nothing beyond its process', 13: 'keeps nothing beyond its process', 19: 'keeps nothing beyond its process' } },
);

describe('MemoryKeyVault', () => {
  it('repeats itself under the same entropy', async () => {
    const make = async () => {
      let byte = 0;
      const vault = new MemoryKeyVault((count) => new Uint8Array(count).fill(++byte));
      const keyId = await vault.create('execution:1');
      return [keyId, await vault.seal({ keyId, eventId: 'e', plaintext: Buffer.from('x') })];
    };
    expect(await make()).toEqual(await make());
  });
});
