import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { evidenceStoreConformance } from '@maestro/conformance';
import { makeBucket, settingsFor } from '../fixtures/gateway-bucket.ts';
import { startVersitygw } from '../fixtures/versitygw.ts';
import type { Versitygw } from '../fixtures/versitygw.ts';
import { itemName, packName, parseLocation } from './evidence-names.ts';
import { S3EvidenceStore } from './s3-evidence-store.ts';

let gateway: Versitygw;
let stores = 0;
beforeAll(async () => {
  gateway = await startVersitygw();
  await makeBucket(gateway, 'evidence');
});
afterAll(() => gateway.dispose());

evidenceStoreConformance('s3', async () => {
  const settings = settingsFor(gateway, { prefix: `case-${(stores += 1)}/` });
  let store = await S3EvidenceStore.open(settings);
  return {
    store,
    reopen: async () => {
      await store.close();
      return (store = await S3EvidenceStore.open(settings));
    },
    damage: async ({ location, digest }) => {
      const at = parseLocation(location);
      if (at === undefined) throw new Error(`not a location: ${location}`);
      const name = at.kind === 'item' ? itemName(at.key, digest) : packName(at.pack);
      flipBit(gateway.pathOf(settings.bucket, settings.prefix + name), at.kind === 'item' ? 3 : at.offset);
    },
    dispose: () => store.close(),
  };
});

function flipBit(path: string, at: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  writeSync(file, Buffer.of((byte[0] ?? 0) ^ 4), 0, 1, at);
  closeSync(file);
}
