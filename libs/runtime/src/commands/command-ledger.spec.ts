import { MemoryProcessDisk, MemoryProcessState, ManualClock } from '@maestro/adapter-memory';
import { Fault } from '@maestro/ports';
import type { Rejection } from '@maestro/domain';
import { start } from '../../fixtures/commands.ts';
import { CommandLedger } from './command-ledger.ts';

const REJECTION: Rejection = { code: 'WORKFLOW_NOT_FOUND', detail: 'there is no workflow' };
const DAY_MS = 24 * 3_600_000;

async function opened(disk: MemoryProcessDisk, clock = new ManualClock()): Promise<CommandLedger> {
  const ledger = new CommandLedger(new MemoryProcessState(disk), clock);
  await ledger.load();
  return ledger;
}

describe('refusals', () => {
  it('are found at once, and after a restart where they were written', async () => {
    const disk = new MemoryProcessDisk();
    const ledger = await opened(disk);
    ledger.refused(start('a'), REJECTION);
    expect(ledger.find(start('a').commandId)).toMatchObject({ type: 'execution.start.v1', rejection: REJECTION });
    expect(ledger.find(start('b').commandId)).toBeUndefined();
    await ledger.settle();
    expect((await opened(disk)).find(start('a').commandId)).toMatchObject({ rejection: REJECTION });
  });

  it('are forgotten after seven days', async () => {
    const disk = new MemoryProcessDisk();
    const clock = new ManualClock();
    const ledger = await opened(disk, clock);
    ledger.refused(start('old'), REJECTION);
    clock.advance(6 * DAY_MS);
    ledger.refused(start('new'), REJECTION);
    await ledger.settle();
    clock.advance(DAY_MS + 1);
    const later = await opened(disk, clock);
    expect([later.find(start('old').commandId), later.find(start('new').commandId)?.rejection]).toEqual([undefined, REJECTION]);
    expect(disk.processes.get('refusals')?.rows.size).toBe(1);
  });

  it('are bounded: the oldest go first, also after a restart', async () => {
    const disk = new MemoryProcessDisk();
    const clock = new ManualClock();
    let ledger = await opened(disk, clock);
    for (let i = 0; i < 6_000; i += 1) {
      clock.advance(1);
      ledger.refused(start(`first ${i}`), REJECTION);
    }
    await ledger.settle();
    ledger = await opened(disk, clock);
    for (let i = 0; i < 6_000; i += 1) {
      clock.advance(1);
      ledger.refused(start(`second ${i}`), REJECTION);
    }
    await ledger.settle();
    const kept = (name: string): number[] => Array.from({ length: 6_000 }, (_, i) => i).filter((i) => ledger.find(start(`${name} ${i}`).commandId) !== undefined);
    expect([kept('first').length, kept('first')[0], kept('second').length]).toEqual([4_000, 2_000, 6_000]);
    expect(disk.processes.get('refusals')?.rows.size).toBe(10_000);
  });

  it('that cannot be written are still answered, and later ones are written', async () => {
    const disk = new MemoryProcessDisk();
    const state = new MemoryProcessState(disk);
    const apply = state.apply.bind(state);
    let full = true;
    state.apply = (...args) => (full ? Promise.reject(new Fault('STORE_READ_ONLY', 'the disk is full', { retryable: true })) : apply(...args));
    const ledger = new CommandLedger(state, new ManualClock());
    ledger.refused(start('a'), REJECTION);
    await ledger.settle();
    expect(ledger.find(start('a').commandId)).toBeDefined();
    full = false;
    ledger.refused(start('b'), REJECTION);
    await ledger.settle();
    expect((await opened(disk)).find(start('b').commandId)).toBeDefined();
  });
});
