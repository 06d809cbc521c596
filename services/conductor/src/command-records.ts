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
      if (refusal === undefined) return null;
      // named one by one: what the ledger keeps beside them tells of values that nobody is to see
      const { type, at, rejection } = refusal;
      return { commandId, type, state: 'refused', at, position: null, result: null, rejection };
    },
    forbidden: () =>
      ledger.forbidden().map(({ commandId, type, at, actor = 'unknown', stream = '', rejection }) => ({ commandId, type, at, actor, stream, reason: rejection.detail })),
  };
}
