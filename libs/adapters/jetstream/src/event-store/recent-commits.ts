import { LRUCache } from 'lru-cache';
import type { NewEvent } from '@maestro/ports';
import type { OpenedCommit } from './commit-envelope.ts';
import type { StoredCommit } from './stored-commit.ts';

const COMMITS_MAX = 4_096;
const BYTES_MAX = 16 * 1024 * 1024;
/** What a commit takes beside the bytes of its events, about. */
const COMMIT_BYTES = 1_024;

/**
 * Commits that were read or appended last, proved, so that all who follow the log at its end read it once. A commit never
 * changes; one that could not be proved is not kept, for another replica may have it whole. With the connection goes all
 * that came over it: a server that died may have lost its end, and give its sequences again.
 */
export class RecentCommits {
  readonly #kept = new LRUCache<number, StoredCommit>({ max: COMMITS_MAX, maxSize: BYTES_MAX, sizeCalculation: bytesOf });
  readonly #losses: () => number;
  #lossesSeen: number;

  /** `losses`: how often the connection was lost so far */
  constructor(losses: () => number) {
    this.#losses = losses;
    this.#lossesSeen = losses();
  }

  /** The one at `seq` and those that follow it without a gap; none where it is not known. */
  from(seq: number, countMax: number): readonly StoredCommit[] {
    this.#forgetEarlier();
    const found: StoredCommit[] = [];
    while (found.length < countMax) {
      const next = this.#kept.get(seq + found.length);
      if (next === undefined) break;
      found.push(next);
    }
    return found;
  }

  keep(commit: StoredCommit): void {
    this.#forgetEarlier();
    if (commit.opened !== undefined) this.#kept.set(commit.seq, { ...commit, opened: provedOnce(commit.opened) });
  }

  #forgetEarlier(): void {
    if (this.#lossesSeen === this.#losses()) return;
    this.#lossesSeen = this.#losses();
    this.#kept.clear();
  }
}

/** Its events are proved and copied when somebody asks for them first. */
function provedOnce(opened: OpenedCommit): OpenedCommit {
  const events: (NewEvent | undefined)[] = [];
  return { ...opened, eventAt: (index) => (events[index] ??= opened.eventAt(index)) };
}

/** Twice the events' own: once as they came, once as they are handed out. */
function bytesOf({ opened }: StoredCommit): number {
  return (opened?.events ?? []).reduce((sum, { sizeBytes, sealedBytes }) => sum + 2 * (sizeBytes + (sealedBytes ?? 0)), COMMIT_BYTES);
}
