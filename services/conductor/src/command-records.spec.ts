import { ManualClock, MemoryProcessState, MemoryReadModels } from '@maestro/adapter-memory';
import { CommandLedger } from '@maestro/runtime';
import { commandRecords } from './command-records.ts';

const NOW = '2026-01-05T10:00:00.000Z';
const ID = 'a'.repeat(64);

describe('what became of a command', () => {
  const clock = new ManualClock(Date.parse(NOW));
  const ledger = new CommandLedger(new MemoryProcessState(), clock);
  const records = commandRecords(new MemoryReadModels(), async () => ledger);
  const command = { type: 'execution.cancel.v1', payload: { executionId: '0192f0c1-2b3c-7d4e-8f50-617283940a1b', reason: null, comment: 'a secret' } } as const;
  const envelope = { command, commandId: ID, tenant: 'default', actor: 'user:eve', correlationId: 'c', causationId: null };

  it('is nothing where it was never seen', async () => {
    expect(await records.find('b'.repeat(64))).toBeNull();
    expect(await records.forbidden()).toEqual([]);
  });

  it('of a refused one tells the refusal, and nothing that was derived from its values', async () => {
    const rejection = { code: 'FORBIDDEN', detail: 'not yours' } as const;
    ledger.refused(envelope, rejection);
    expect(await records.find(ID)).toEqual({ commandId: ID, type: command.type, state: 'refused', at: NOW, position: null, result: null, rejection });
    expect(await records.forbidden()).toEqual([{ commandId: ID, type: command.type, at: NOW, actor: 'user:eve', stream: `execution-${command.payload.executionId}`, reason: 'not yours' }]);
  });
});
