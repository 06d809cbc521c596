import type { Rows, TableName } from './rows.ts';

type ListRule<Row> = {
  /** RFC 3339, there in every row: what `from` and `to` are about */
  readonly time: keyof Row & string;
  /** always with the table's time; numbers and times, null where a row has none */
  readonly sorts: readonly (keyof Row & string)[];
  readonly filters: readonly (keyof Row & string)[];
  /** short texts of a row that a list can ask for together */
  readonly tagsOf: (row: Row) => readonly string[];
  /** members of a row that later events change: sorts, filters and the row itself; the others are written once */
  readonly changing: readonly (keyof Row & string)[];
};

const labelsOf = ({ labels }: { readonly labels: { readonly [key: string]: string } }): readonly string[] => Object.entries(labels).map(([key, value]) => `${key}:${value}`);
const untagged = (): readonly string[] => [];

/** What every list can be asked, and so what an adapter keeps an index for. */
export const LISTS = {
  execution: { time: 'requestedAt', sorts: ['requestedAt', 'finishedAt', 'costMicroUsd'], filters: ['workflowId', 'status', 'actor'], changing: ['status', 'finishedAt', 'costMicroUsd'], tagsOf: labelsOf },
  workflow: { time: 'updatedAt', sorts: ['updatedAt'], filters: [], changing: ['updatedAt'], tagsOf: labelsOf },
  command: { time: 'at', sorts: ['at'], filters: ['actor', 'type', 'stream'], changing: [], tagsOf: untagged },
  decision: {
    time: 'at',
    sorts: ['at'],
    filters: ['executionId', 'workflowId', 'stage', 'allow', 'setDigest'],
    changing: [],
    tagsOf: ({ packs, reason }) => [...new Set([...packs.flatMap(({ pack, violations }) => [`pack:${pack}`, ...violations.map((code) => `code:${code}`)]), ...(reason === null ? [] : [`code:${reason}`])])],
  },
  audit: { time: 'at', sorts: ['at'], filters: ['action', 'actor', 'subject'], changing: [], tagsOf: untagged },
  receipt: { time: 'at', sorts: ['at'], filters: ['executionId', 'document'], changing: ['at'], tagsOf: untagged },
} as const satisfies { readonly [T in TableName]: ListRule<Rows[T]> };

export const TABLES = Object.keys(LISTS) as readonly TableName[];

export type ListFilter<T extends TableName> = (typeof LISTS)[T]['filters'][number];
export type ListSort<T extends TableName> = (typeof LISTS)[T]['sorts'][number];
