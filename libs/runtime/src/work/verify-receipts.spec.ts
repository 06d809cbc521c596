import { MemoryProcessState } from '@maestro/adapter-memory';
import { Fault } from '@maestro/ports';
import type { Metrics } from '@maestro/ports';
import { manifest, task } from '../../fixtures/commands.ts';
import { World } from '../../fixtures/world.ts';
import { ReceiptVerifier, VERIFIED_RECEIPTS, failedReceipts } from './verify-receipts.ts';
import type { VerifyReceipt } from './verify-receipts.ts';

const GOOD = { verdict: 'VERIFIED' };

/** A world with some signed receipts, and a verifier of which every look is recorded. */
async function open(verdictOf: (looked: number) => Promise<{ verdict: string }> | { verdict: string }, runs = ['a', 'b', 'c']) {
  const world = await World.open();
  await world.published(manifest([task('a')]));
  for (const name of runs) await world.started(name);
  await world.settle();
  const looked: string[] = [];
  const results: string[] = [];
  const disk = new MemoryProcessState();
  let working = 0;
  let atOnce = 0;
  const verify: VerifyReceipt = async (id) => {
    looked.push(id);
    working += 1;
    atOnce = Math.max(atOnce, working);
    try {
      return await verdictOf(looked.length);
    } finally {
      working -= 1;
    }
  };
  const metrics: Metrics = { count: (name, _, labels) => void results.push(`${name} ${labels?.['result']}`), gauge: () => undefined, observe: () => undefined };
  const verifier = (): ReceiptVerifier => new ReceiptVerifier({ store: world.life.store, state: disk, clock: world.clock, metrics, log: world.log, verify, supervision: world.life.supervision });
  const passed = async (): Promise<void> => {
    for (let i = 0; i < 20; i += 1) {
      await world.settle();
      await world.advance(1_000);
    }
  };
  return { world, looked, results, disk, verifier, passed, atOnceMax: () => atOnce };
}

const counted = (result: string): string => `mc_receipt_verifications_total ${result}`;

describe('receipts that were stored', () => {
  it('are verified once each, one at a time, also over a restart', async () => {
    const t = await open(() => GOOD);
    const first = t.verifier();
    await first.start();
    await t.passed();
    await first.stop();
    const second = t.verifier();
    await second.start();
    await t.world.started('d');
    await t.passed();
    await second.stop();
    expect([t.looked.length, new Set(t.looked).size, t.atOnceMax()]).toEqual([4, 4, 1]);
    expect(t.results).toEqual(Array.from({ length: 4 }, () => counted('verified')));
    expect(await failedReceipts(t.disk)).toEqual([]);
  });

  it('are said to be looked at again with the first one after a fault that passed, and none of a batch twice', async () => {
    const t = await open((looked) => {
      if (looked === 2) throw new Fault('STORE_UNAVAILABLE', 'away for a moment', { retryable: true });
      // the rest of the batch takes for ever
      return looked === 4 ? new Promise(() => undefined) : GOOD;
    });
    const stateNow = (): string | undefined => t.world.life.supervision.loops.rows().find(({ name }) => name === VERIFIED_RECEIPTS)?.state;
    const verifier = t.verifier();
    await verifier.start();
    await t.world.settle();
    await t.world.advance(1);
    expect([t.looked.length, stateNow()]).toEqual([2, 'failing']);
    await t.passed();
    expect([t.looked.length, new Set(t.looked).size, stateNow()]).toEqual([4, 3, 'running']);
  });

  it('that do not verify are counted by class, told, remembered, and hold nothing up', async () => {
    const t = await open((looked) => {
      if (looked === 1) return { verdict: 'TAMPERED_EVENT' };
      if (looked === 2) throw new Fault('EVIDENCE_DAMAGED', 'bytes differ');
      return GOOD;
    });
    const verifier = t.verifier();
    await verifier.start();
    await t.passed();
    await verifier.stop();
    expect(t.results).toEqual(['TAMPERED_EVENT', 'EVIDENCE_DAMAGED', 'verified'].map(counted));
    expect((await failedReceipts(t.disk)).map(({ executionId, code }) => [executionId, code]).sort()).toEqual([
      [t.looked[0], 'TAMPERED_EVENT'],
      [t.looked[1], 'EVIDENCE_DAMAGED'],
    ].sort());
    expect(t.world.lines.filter(({ level, message }) => level === 'error' && message === 'a stored receipt does not verify')).toHaveLength(2);
    expect((await t.disk.load(VERIFIED_RECEIPTS)).cursor).not.toBeNull();
  });

  it('that cannot be read now are looked at again when they can', async () => {
    const t = await open((looked) => {
      if (looked === 1) throw new Fault('STORE_READ_ONLY', 'the disk fails', { retryable: true });
      return GOOD;
    }, ['a']);
    const verifier = t.verifier();
    await verifier.start();
    await t.passed();
    await verifier.stop();
    expect([t.looked.length, t.results]).toEqual([2, [counted('verified')]]);
  });

  it('on which the verifier breaks are named as such', async () => {
    const t = await open(() => {
      throw new TypeError('a bug');
    }, ['a']);
    const verifier = t.verifier();
    await verifier.start();
    await t.passed();
    await verifier.stop();
    expect((await failedReceipts(t.disk)).map(({ code, detail }) => [code, detail])).toEqual([['UNEXPECTED', 'a bug']]);
  });

  it('are left where they are when the verifier has to stop', async () => {
    let release: (report: typeof GOOD) => void = () => undefined;
    const t = await open(() => new Promise((resolve) => (release = resolve)));
    const verifier = t.verifier();
    await verifier.start();
    await t.world.settle();
    const stopped = verifier.stop();
    release(GOOD);
    await stopped;
    expect([t.looked.length, (await t.disk.load(VERIFIED_RECEIPTS)).cursor]).toEqual([1, null]);
  });
});
