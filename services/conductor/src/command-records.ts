import type { ReadModels } from '@maestro/ports';
import type { CommandLedger } from '@maestro/runtime';
import type { CommandRecords } from '@maestro/service-api';

/** What became of a command: accepted ones are in the history, refused ones are remembered for a while. */
export function commandRecords(views: ReadModels, ledger: CommandLedger): CommandRecords {
  return {
    async find(commandId) {
      const row = (await views.get('command', [commandId])).get(commandId);
      if (row !== undefined) {
        const { type, at, result } = row;
        return { commandId, type, state: 'accepted', at, position: null, result, rejection: null };
      }
      const refusal = ledger.find(commandId);
      return refusal === undefined ? null : { ...refusal, state: 'refused', position: null, result: null };
    },
  };
}
