import { EMPTY_HEAD, prepareCommit } from '@maestro/codec';
import type { AnyEvent } from '@maestro/contracts';
import type { StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { EvidenceRef } from '@maestro/ports';
import { assembleSet, eventsJsonl, sha256 } from '@maestro/receipt';
import { cancel, manifest, task } from '../../fixtures/commands.ts';
import { failedWith, hexOf, untilAborted } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import type { WorldOptions } from '../../fixtures/world.ts';

async function worldWithRuns(count: number, options: WorldOptions = {}): Promise<{ readonly world: World; readonly ids: readonly string[] }> {
  const world = await World.open(options);
  await world.published(manifest([task('a')]));
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) ids.push(await world.started(`run ${i}`));
  return { world, ids };
}

const receiptsOf = (world: World, id: string) => world.of(`receipt-${id}`).flatMap(({ event }) => (event.type === 'receipt.signed.v1' ? [event.data] : []));
const warnings = (world: World): string[] => world.lines.filter(({ level }) => level !== 'debug').map(({ level, message }) => `${level} ${message}`);

async function append(world: World, stream: string, event: AnyEvent): Promise<void> {
  const commandId = hexOf(stream);
  const cause = { tenant: 'default', stream, commandId, causationId: commandId, correlationId: commandId, actor: 'user:local' };
  const [prepared] = prepareCommit(EMPTY_HEAD, cause, '2026-01-05T10:00:00.000Z', [event]);
  if (prepared === undefined) throw new Error('nothing prepared');
  const { bytes, recorded } = prepared;
  await world.life.store.append(stream as StreamName, 'none', [{ id: recorded.id, type: event.type, bytes, hash: recorded.hash, sealed: null }]);
}

const sealingOf = (world: World): string | undefined => world.life.supervision.loops.rows().find(({ name }) => name === 'receipts-sealing')?.state;

/** What another owner of the run's share has written. */
async function appendSigned(world: World, executionId: string): Promise<void> {
  const digest = hexOf(executionId);
  const stream = { name: `execution-${executionId}`, count: 1, head: digest, merkleRoot: digest };
  const digests = { receiptDigest: digest, statementDigest: digest, bundleDigest: digest };
  await append(world, `receipt-${executionId}`, { type: 'receipt.signed.v1', data: { executionId, verdict: 'succeeded', assembler: 'receipt.v1', stream, ...digests, evidence: { digest, location: 'elsewhere' }, keyId: 'SHA256:test', supersedes: null } });
}

/** A run that ended without ever having begun: no receipt can be made of it. */
async function appendHeadless(world: World, n: number): Promise<string> {
  const id = `0192dead-0000-7000-8000-${String(n).padStart(12, '0')}`;
  const counts = { succeeded: 0, failed: 0, timedOut: 0, skipped: 0, cancelled: 0, reused: 0, attempts: 0 };
  const completed: AnyEvent = { type: 'execution.completed.v1', data: { verdict: 'succeeded', costMicroUsd: 0, counts } };
  await append(world, `execution-${id}`, completed);
  return id;
}

describe('a receipt', () => {
  it('is named only after its bundle can be fetched', async () => {
    const { world } = await worldWithRuns(0);
    const early: string[] = [];
    let named = 0;
    world.hook = async ({ call, phase, args }) => {
      if (call !== 'store.append' || phase !== 'before' || !String(args[0]).startsWith('receipt-')) return;
      const [{ bytes }] = args[2] as readonly [{ readonly bytes: Uint8Array }];
      const { evidence, bundleDigest } = (JSON.parse(Buffer.from(bytes).toString()) as { readonly data: { readonly evidence: EvidenceRef; readonly bundleDigest: string } }).data;
      const bundle = await world.evidence.get(evidence).catch(() => new Uint8Array());
      named += 1;
      if (sha256(Buffer.from(bundle).toString()) !== bundleDigest) early.push(String(args[0]));
    };
    for (let i = 0; i < 5; i += 1) await world.started(`run ${i}`);
    await world.settle();
    expect([named, early]).toEqual([5, []]);
  });

  it('says what the history says, and signs what can be assembled again from it', async () => {
    const { world, ids } = await worldWithRuns(1);
    const id = ids[0] ?? '';
    await world.ended(id);
    const [signed] = receiptsOf(world, id);
    const run = world.of(`execution-${id}`);
    const stored = world.eventLog.streams.get(`execution-${id}` as StreamName) ?? [];
    const set = assembleSet(run, { jsonl: eventsJsonl(stored.map(({ bytes }) => bytes)) });
    expect(signed).toMatchObject({ executionId: id, verdict: 'succeeded', assembler: 'receipt.v1', keyId: 'SHA256:test', supersedes: null, receiptDigest: hexOf(Buffer.from(set.receiptJson).toString()), statementDigest: hexOf(Buffer.from(set.statement).toString()) });
    expect(signed?.stream).toMatchObject({ name: `execution-${id}`, count: run.length, head: run.at(-1)?.hash });
    expect(world.of(`receipt-${id}`)[0]).toMatchObject({ actor: 'role:receipt', causationId: run.at(-1)?.id });
  });

  it('is given whatever the verdict', async () => {
    const world = await World.open();
    await world.published(manifest([task('a')]));
    world.packages.play = async () => failedWith('BROKEN', false);
    const failed = await world.started('failed');
    await world.ended(failed);
    world.packages.play = untilAborted;
    const cancelled = await world.started('cancelled');
    await world.settle();
    await world.send(cancel(cancelled));
    await world.ended(cancelled);
    const timedOut = await world.started('timed-out');
    await world.ended(timedOut, 25 * 3_600_000);
    world.policies.verdictOf = () => ({ deny: 'COST_TOO_HIGH' });
    const denied = await world.started('denied');
    await world.ended(denied);
    const ids = [failed, cancelled, timedOut, denied];
    expect(ids.map((id) => receiptsOf(world, id).map(({ verdict }) => verdict))).toEqual([['failed'], ['cancelled'], ['timed-out'], ['denied']]);
    for (const id of ids) expect(await problemsOf(world, id)).toEqual([]);
  });

  it('is the first bundle that was named: a crash before that leaves a draft, one after it leaves nothing to do', async () => {
    for (const phase of ['before', 'after'] as const) {
      const { world } = await worldWithRuns(0);
      world.hook = (point) => {
        if (world.lives === 1 && point.call === 'store.append' && point.phase === phase && String(point.args[0]).startsWith('receipt-')) world.crash();
      };
      const id = await world.started();
      await world.ended(id);
      await world.advance(10_000);
      expect([phase, world.lives, world.signer.count]).toEqual([phase, 2, phase === 'before' ? 2 : 1]);
      expect(receiptsOf(world, id)).toHaveLength(1);
      expect(await problemsOf(world, id)).toEqual([]);
      expect(world.life.sealer.dueCount).toBe(0);
    }
  });

  it('is one, though two processes seal the same run at once', async () => {
    const { world, ids } = await worldWithRuns(4, { roles: ['policy', 'runner'] });
    await world.settle();
    const sealers = [world.life.anotherSealer(), world.life.anotherSealer()];
    await Promise.all(sealers.map((sealer) => sealer.start()));
    await world.advance(5_000);
    for (const id of ids) expect(await problemsOf(world, id)).toEqual([]);
    expect(sealers.map(({ dueCount }) => dueCount)).toEqual([0, 0]);
    await Promise.all(sealers.map((sealer) => sealer.stop()));
  });

  it('of many runs that end together is written with the others, in few writes', async () => {
    const writes: number[] = [];
    const { world, ids } = await worldWithRuns(100, { roles: ['policy', 'runner'] });
    await world.settle();
    world.hook = ({ call, phase, args }) => {
      if (call === 'evidence.putMany' && phase === 'before') writes.push((args[0] as readonly unknown[]).length);
    };
    const sealer = world.life.anotherSealer();
    await sealer.start();
    await world.settle();
    expect(ids.filter((id) => receiptsOf(world, id).length === 1)).toHaveLength(100);
    expect(writes).toEqual([64, 36]);
    await sealer.stop();
  });
});

describe('sealing goes on', () => {
  it.each(['evidence.putMany', 'state.apply', 'store.append'])('when %s works again, and says meanwhile that receipts wait', async (failing) => {
    const { world } = await worldWithRuns(0);
    let down = true;
    world.hook = ({ call, phase, args }) => {
      const isMine = call !== 'store.append' || String(args[0]).startsWith('receipt-');
      if (down && call === failing && phase === 'before' && isMine) throw new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true });
    };
    const id = await world.started();
    await world.advance(4_000);
    expect(world.life.sealer.dueCount).toBe(failing === 'state.apply' ? 0 : 1);
    expect(warnings(world).length).toBeGreaterThan(0);
    down = false;
    await world.advance(1_000);
    await world.ended(id);
    expect(world.life.sealer.dueCount).toBe(0);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('and is not said to fail any more where another owner gave the receipts that waited', async () => {
    const { world } = await worldWithRuns(0);
    world.hook = ({ call, phase }) => {
      if (call === 'evidence.putMany' && phase === 'before') throw new Fault('S3_UNAVAILABLE', 'the object store is down', { retryable: true });
    };
    const id = await world.started();
    await world.settle();
    expect(sealingOf(world)).toBe('failing');
    await appendSigned(world, id);
    await world.advance(5_000);
    expect([sealingOf(world), world.life.sealer.dueCount]).toEqual(['running', 0]);
  });

  it('and is not said to fail any more where it was stopped, as when its share is handed over', async () => {
    const { world } = await worldWithRuns(0);
    world.hook = ({ call, phase }) => {
      if (call === 'evidence.putMany' && phase === 'before') throw new Fault('S3_UNAVAILABLE', 'the object store is down', { retryable: true });
    };
    await world.started();
    await world.settle();
    expect(sealingOf(world)).toBe('failing');
    await world.life.sealer.stop();
    expect(sealingOf(world)).toBe('stopped');
  });

  it('when the signer works again', async () => {
    const { world } = await worldWithRuns(0);
    const sign = world.signer.sign.bind(world.signer);
    world.signer.sign = () => Promise.reject(new Fault('SIGNING_FAILED', 'the key service does not answer', { retryable: true }));
    const id = await world.started();
    await world.advance(3_000);
    expect(receiptsOf(world, id)).toEqual([]);
    expect(warnings(world)).toContain('warn receipts wait: something that they need does not work');
    world.signer.sign = sign;
    await world.advance(1_000);
    expect(await problemsOf(world, id)).toEqual([]);
  });

  it('past runs of which no receipt can be made, however many, each named once', async () => {
    const { world } = await worldWithRuns(0);
    const bad: string[] = [];
    for (let i = 0; i < 70; i += 1) bad.push(await appendHeadless(world, i));
    const id = await world.started();
    await world.ended(id, 10_000);
    await world.advance(30_000);
    expect(await problemsOf(world, id)).toEqual([]);
    const named = world.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields['stream']);
    expect(named).toEqual(bad.map((one) => `execution-${one}`));
    expect(world.signer.count).toBe(1);
  });

  it('after a restart with runs that ended while it was away', async () => {
    const { world, ids } = await worldWithRuns(3, { roles: ['policy', 'runner'] });
    await world.settle();
    expect(ids.map((id) => world.verdictOf(id))).toEqual(['succeeded', 'succeeded', 'succeeded']);
    const first = world.life.anotherSealer();
    await first.start();
    await first.stop();
    const second = world.life.anotherSealer();
    await second.start();
    await world.settle();
    for (const id of ids) expect(await problemsOf(world, id)).toEqual([]);
    await second.stop();
  });

  it('from nothing, where what it remembered is lost, without signing again what is signed', async () => {
    const { world, ids } = await worldWithRuns(1, { roles: ['policy', 'runner'] });
    await world.settle();
    // more than a batch lies between the end of the run and its receipt
    for (let i = 0; i < 520; i += 1) await appendHeadless(world, i);
    const first = world.life.anotherSealer();
    await first.start();
    await world.settle();
    await first.stop();
    expect([world.signer.count, receiptsOf(world, ids[0] ?? '').length]).toEqual([1, 1]);
    world.disk.processes.delete('receipts');
    const second = world.life.anotherSealer();
    await second.start();
    await world.settle();
    await second.stop();
    expect(world.signer.count).toBe(1);
  });

  it('no more once it was stopped', async () => {
    const { world } = await worldWithRuns(1);
    await world.settle();
    await world.life.sealer.stop();
    const id = await world.started('late');
    await world.advance(60_000);
    expect(receiptsOf(world, id)).toEqual([]);
  });
});
