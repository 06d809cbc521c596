import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSigningKeys, openTrustStore } from '@maestro/adapter-filesystem';
import { keptScreen, someUser } from '../../fixtures/command-line.ts';
import { enrolConductor } from './enrol.ts';

let user: ReturnType<typeof someUser>;
beforeEach(() => {
  user = someUser();
});
afterEach(() => user.leave());

const clock = { nowMs: () => Date.parse('2026-01-05T10:00:00Z') };

async function enrol(dataDir: string): Promise<string> {
  const { screen, notes } = keptScreen();
  await enrolConductor(dataDir, user.settings.trustStorePath, screen);
  return notes();
}

describe('enrolling the conductor of a data folder', () => {
  it('makes its key trusted, says so once, and repeats nothing', async () => {
    const keys = openSigningKeys(join(user.folder, 'keys'), clock);
    expect(await enrol(user.folder)).toContain(`enrolled root key ${keys.rootKeyId}`);
    expect(openTrustStore(user.settings.trustStorePath).lookup(keys.keyId)).toMatchObject({
      keyId: keys.keyId,
      rootKeyId: keys.rootKeyId,
    });
    expect(await enrol(user.folder)).toBe('');
    expect(openTrustStore(user.settings.trustStorePath).roots()).toHaveLength(1);
  });

  it('warns of a registry that the root did not sign, and trusts none of its keys', async () => {
    const keys = openSigningKeys(join(user.folder, 'keys'), clock);
    const other = openSigningKeys(join(user.folder, 'other', 'keys'), clock);
    writeFileSync(join(user.folder, 'keys', 'registry.json'), JSON.stringify(other.registryEnvelope));
    expect(await enrol(user.folder)).toContain('is not taken: UNKNOWN_ROOT');
    const store = openTrustStore(user.settings.trustStorePath);
    expect([store.lookup(keys.keyId), store.lookup(other.keyId)]).toEqual([undefined, undefined]);
  });

  it('warns and goes on where the keys cannot be read', async () => {
    expect(await enrol(join(user.folder, 'nowhere'))).toContain('are not enrolled');
    mkdirSync(join(user.folder, 'keys', 'root'), { recursive: true });
    writeFileSync(join(user.folder, 'keys', 'root', 'root.pub'), 'AAAA');
    writeFileSync(join(user.folder, 'keys', 'registry.json'), '{');
    expect(await enrol(user.folder)).toContain('are not enrolled');
  });

  it('does not touch a damaged trust store', async () => {
    openSigningKeys(join(user.folder, 'keys'), clock);
    mkdirSync(join(user.folder, 'config'));
    writeFileSync(user.settings.trustStorePath, 'mine');
    expect(await enrol(user.folder)).toContain('KEY_DAMAGED');
  });
});
