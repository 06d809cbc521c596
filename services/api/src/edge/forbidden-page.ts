import type { Clock, EventStore, ReadModels } from '@maestro/ports';
import { viewPosition } from '@maestro/runtime';
import type { CommandRecords, ForbiddenCommand } from '../api-dependencies.ts';
import type { ListAnswer, ListAsked } from './list-page.ts';

/** A forbidden command as an entry of the audit trail; `id` is the command's. */
export type ForbiddenRow = {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: 'forbidden';
  readonly subject: string;
  readonly subjectKind: 'workflow' | 'execution';
  readonly detail: { readonly type: string; readonly reason: string };
};

type Parts = { readonly store: EventStore; readonly views: ReadModels; readonly clock: Clock; readonly commands: CommandRecords };

/** The one page that there is: these entries are bounded, and have no position to go on from. */
export async function forbiddenPage({ store, views, clock, commands }: Parts, { from, to, order, limit }: ListAsked, { actor, subject }: { readonly actor: string | null; readonly subject: string | null }): Promise<ListAnswer<ForbiddenRow>> {
  const latestFirst = (await commands.forbidden())
    .map(rowOf)
    .filter((row) => (actor === null || row.actor === actor) && (subject === null || row.subject === subject.toLowerCase()))
    .filter(({ at }) => (from === null || at >= from) && (to === null || at < to));
  const rows = order === 'desc' ? latestFirst : latestFirst.toReversed();
  return { items: rows.slice(0, limit), next: null, ...(await viewPosition(store, views, clock)) };
}

function rowOf({ commandId, type, at, actor, stream, reason }: ForbiddenCommand): ForbiddenRow {
  const category = stream.slice(0, stream.indexOf('-'));
  const subjectKind = category === 'workflow' ? 'workflow' : 'execution';
  return { id: commandId, at, actor, action: 'forbidden', subject: stream.slice(category.length + 1), subjectKind, detail: { type, reason } };
}
