import type { ReadModels } from '@maestro/ports';
import type { RefusalRecord } from '@maestro/runtime';
import type { CommandRecords } from '@maestro/service-api';

/** What was refused lately, as whoever handles commands remembers it. */
export type Refusals = { find(commandId: string): RefusalRecord | undefined; forbidden(): readonly RefusalRecord[] };

/**
 * What became of a command: accepted ones are in the history, refused ones are remembered for a while. `refusals`: as of
 * now; processes that handle no commands read them from where those that do have written them.
 */
export function commandRecords(views: ReadModels, refusals: () => Promise<Refusals>): CommandRecords {
  return {
    async find(commandId) {
      const row = (await views.get('command', [commandId])).get(commandId);
      if (row !== undefined) {
        const { type, at, result } = row;
        return { commandId, type, state: 'accepted', at, position: null, result, rejection: null };
      }
      const refusal = (await refusals()).find(commandId);
      if (refusal === undefined) return null;
      // named one by one: what the ledger keeps beside them tells of values that nobody is to see
      const { type, at, rejection } = refusal;
      return { commandId, type, state: 'refused', at, position: null, result: null, rejection };
    },
    async forbidden() {
      const rows = (await refusals()).forbidden();
      return rows.map(({ commandId, type, at, actor = 'unknown', stream = '', rejection }) => ({ commandId, type, at, actor, stream, reason: rejection.detail }));
    },
  };
}
