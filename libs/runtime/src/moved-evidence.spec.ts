import { MemoryEvidenceStore } from '@maestro/adapter-memory';
import type { EvidenceRef } from '@maestro/ports';
import { sha256 } from '@maestro/receipt';
import { MovedEvidence, movedKey } from './moved-evidence.ts';

const bytes = Buffer.from('from elsewhere');
const digest = sha256(bytes);
const foreign: EvidenceRef = { digest, location: 'pack:000001:0:14' };
const fault = (code: string): object => expect.objectContaining({ name: 'Fault', code }) as object;

let inner: MemoryEvidenceStore;
let evidence: MovedEvidence;
beforeEach(() => {
  inner = new MemoryEvidenceStore();
  evidence = new MovedEvidence(inner);
});

describe('evidence that came from another store', () => {
  it('is served by its digest, whatever place the ref names', async () => {
    await evidence.put({ key: movedKey(digest), bytes, retainUntil: '2031-01-05T10:00:00.000Z' });
    const { location } = await evidence.put({ key: 'own', bytes: Buffer.from('own') });
    for (const ref of [foreign, { digest, location }, { digest, location: '' }]) {
      expect(Buffer.from(await evidence.get(ref))).toEqual(bytes);
      expect(await evidence.head(ref)).toMatchObject({ digest, sizeBytes: 14, held: false, retainUntil: '2031-01-05T10:00:00.000Z' });
    }
    await evidence.hold(foreign, true);
    expect((await evidence.head(foreign))?.held).toBe(true);
  });

  it('is served where its place holds something damaged', async () => {
    const damaged = new MemoryEvidenceStore();
    await damaged.put({ key: movedKey(digest), bytes });
    const { get, head } = { get: damaged.get.bind(damaged), head: damaged.head.bind(damaged) };
    const broken = () => Object.assign(new Error('EVIDENCE_DAMAGED: the middle of a record'), { name: 'Fault', code: 'EVIDENCE_DAMAGED' });
    damaged.get = async (ref) => (ref.location === foreign.location ? Promise.reject(broken()) : get(ref));
    damaged.head = async (ref) => (ref.location === foreign.location ? Promise.reject(broken()) : head(ref));
    expect(Buffer.from(await new MovedEvidence(damaged).get(foreign))).toEqual(bytes);
    expect(await new MovedEvidence(damaged).head(foreign)).toMatchObject({ digest });
  });

  it('is missing where nothing was moved, and other faults pass', async () => {
    await expect(evidence.get(foreign)).rejects.toEqual(fault('EVIDENCE_MISSING'));
    expect(await evidence.head(foreign)).toBeNull();
    await expect(evidence.hold(foreign, true)).rejects.toEqual(fault('EVIDENCE_MISSING'));
    await expect(evidence.get({ digest: '../up', location: 'x' })).rejects.toEqual(fault('EVIDENCE_MISSING'));
    await evidence.close();
    await expect(evidence.get(foreign)).rejects.toEqual(fault('STORE_CLOSED'));
  });

  it('never stands for other bytes', async () => {
    await inner.put({ key: movedKey(digest), bytes: Buffer.from('something else') });
    await expect(evidence.get(foreign)).rejects.toEqual(fault('EVIDENCE_MISSING'));
  });
});
