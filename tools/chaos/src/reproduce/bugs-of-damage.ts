import type { Bug } from './bug.ts';

const PROVED = 'feat(adapter-sqlite): rows of process state and read models are proved, and damage names its file';
const READ_MODELS = 'libs/adapters/sqlite/src/read-models/sqlite-read-models.int.spec.ts';

/** Damage that was served, or hit more than what was damaged. */
export const BUGS_OF_DAMAGE: readonly Bug[] = [
  {
    id: 'changed-row-is-listed',
    what: 'a row of the read models with a flipped bit was listed',
    foundBy: 'bit flips',
    fixedIn: PROVED,
    kept: { kind: 'spec', file: READ_MODELS, test: 'refuse a row that is not the one that was written, by any way that leads to it' },
    plant: [{ file: 'libs/adapters/sql-tables/src/proved-row.ts', find: 'if (kept.slice(0, DIGEST_CHARS) === digestOf(table, text)) return', put: 'if (kept !== "") return' }],
  },
  {
    id: 'changed-tag-leaves-rows-out',
    what: 'a flipped bit in a tag, or in an index of the read models, left rows out of lists',
    foundBy: 'bit flips',
    fixedIn: PROVED,
    kept: { kind: 'spec', file: READ_MODELS, test: 'have every column of tags in an index, which a check of the file compares with it' },
    plant: [{ file: 'libs/adapters/sql-tables/src/table-columns.ts', find: 'return rest.length === 0 ? asked :', put: 'if (rest.length >= 0) return asked;\n  return' }],
  },
  {
    id: 'damaged-index-opens',
    what: 'read models with a damaged index were opened, and lists lacked what it no longer led to',
    foundBy: 'bit flips',
    fixedIn: PROVED,
    kept: { kind: 'spec', file: READ_MODELS, test: 'do not open where a page is damaged, and say where it lies' },
    plant: [{ file: 'libs/adapters/sqlite/src/database-check.ts', find: 'if (found !== undefined) throw', put: 'if (found === "never") throw' }],
  },
  {
    id: 'changed-state-is-loaded',
    what: 'a row of the process state with a flipped bit was loaded: an intent or a timer could change, or be missing',
    foundBy: 'bit flips',
    fixedIn: PROVED,
    kept: { kind: 'spec', file: 'libs/adapters/sqlite/src/process-state.int.spec.ts', test: 'is refused when it is opened with a changed name of a row' },
    plant: [{ file: 'libs/adapters/sqlite/src/process-state-tables.ts', find: 'if (stateDigest(name, ...columns) === digest) return;', put: 'if (digest !== "") return;' }],
  },
  {
    id: 'incarnation-changes',
    what: 'a flipped bit in what a store calls itself made every position in it that of another store',
    foundBy: 'bit flips',
    fixedIn: PROVED,
    kept: { kind: 'spec', file: 'libs/adapters/sqlite/src/schema.int.spec.ts', test: 'refuses a store whose incarnation or version was changed' },
    plant: [{ file: 'libs/adapters/sqlite/src/schema.ts', find: 'if (digest !== undefined && digest !== metaDigest(db)) throw', put: 'if (digest === "never") throw' }],
  },
  {
    id: 'damaged-page-ends-subscriptions',
    what: 'a page of the event store that could not be read ended every subscription with an error without a code',
    foundBy: 'bit flips',
    fixedIn: PROVED,
    kept: { kind: 'spec', file: 'libs/adapters/sqlite/src/subscription-damage.int.spec.ts', test: 'a subscription passes over a page that cannot be read at all, and goes on' },
    plant: [{ file: 'libs/adapters/sqlite/src/event-reader.ts', find: 'return null; // the page that would say it is damaged itself', put: "throw new Error('database disk image is malformed');" }],
  },
];
