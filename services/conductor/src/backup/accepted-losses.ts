import { existsSync, readFileSync } from 'node:fs';
import type { StoreLoss } from '@maestro/adapter-sqlite';
import { Fault } from '@maestro/ports';
import type { DataFolder } from '../data-folder.ts';
import { replaceFile } from '../data-folder.ts';

/** A loss that somebody accepted, as the data folder remembers it. */
export type AcceptedLoss = StoreLoss & {
  /** RFC 3339, UTC */
  readonly acceptedAt: string;
  /** what was kept: a backup, by the time it was made, or the store as it was */
  readonly kept: string;
};

/** Code that every run started afterwards carries among the accepted risks of its environment. */
export const LOSS_ACCEPTED = 'STORE_LOSS_ACCEPTED';

const SHOWN_STREAMS_MAX = 20;

/** What was accepted so far. Fault DATA_FOLDER_INVALID: the file is there and cannot be read. */
export function readAcceptedLosses({ acceptedLosses: path }: DataFolder): readonly AcceptedLoss[] {
  if (!existsSync(path)) return [];
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { readonly losses: readonly AcceptedLoss[] }).losses;
  } catch (error) {
    throw new Fault('DATA_FOLDER_INVALID', `${path} cannot be read, and says which loss of events was accepted here; restore it from a backup`, { cause: error });
  }
}

/** Replaces the file; call before the loss takes effect, so that none is ever accepted unrecorded. */
export function writeAcceptedLosses({ acceptedLosses: path }: DataFolder, losses: readonly AcceptedLoss[]): void {
  replaceFile(path, `${JSON.stringify({ losses }, null, 2)}\n`);
}

/** Risks that the environment of every run names. The file alone counts, whatever it says: it was made for one reason. */
export function acceptedRisks({ acceptedLosses: path }: DataFolder): readonly string[] {
  return existsSync(path) ? [LOSS_ACCEPTED] : [];
}

/** A loss in words: how many events, from where to where, and which streams where that is known. */
export function describeLoss({ eventCount, fromPosition, toPosition, keptPosition, commonPosition, streams, streamsOmitted }: StoreLoss): string {
  const range = fromPosition === toPosition ? `position ${fromPosition}` : `positions ${fromPosition} to ${toPosition}`;
  const what = `${eventCount} acknowledged ${eventCount === 1 ? 'event is' : 'events are'} gone (${range}); the kept store ends at ${keptPosition}`;
  const parted = keptPosition > commonPosition ? `, and is another history after ${commonPosition}` : '';
  if (streams === null) return `${what}${parted}; which streams they were of cannot be read any more`;
  const shown = streams.slice(0, SHOWN_STREAMS_MAX).map(({ stream, fromRevision, toRevision }) => `${stream} revisions ${fromRevision} to ${toRevision}`);
  const more = streams.length + streamsOmitted - shown.length;
  return `${what}${parted}: ${shown.join(', ')}${more > 0 ? ` and ${more} more streams` : ''}`;
}
