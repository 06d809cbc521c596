import type { StreamName } from '@maestro/domain';
import type { NewEvent } from '@maestro/ports';
import { RecentCommits } from './recent-commits.ts';
import type { StoredCommit } from './stored-commit.ts';

/** `sizeBytes` of its one event; `proofs` counts how often its bytes were looked at. */
function commitAt(seq: number, sizeBytes = 100, proofs = { count: 0 }): StoredCommit {
  const meta = { id: `event-${seq}`, type: 'execution.started.v1', hash: 'h', sizeBytes, sealedBytes: null };
  const eventAt = (): NewEvent => {
    proofs.count += 1;
    return { id: meta.id, type: meta.type, hash: meta.hash, bytes: new Uint8Array(1), sealed: null };
  };
  return { seq, stream: 'execution-1' as StreamName, opened: { commitId: `c${seq}`, stream: 'execution-1', after: seq - 1, firstRevision: seq, events: [meta], eventAt } };
}
const seqsOf = (commits: readonly StoredCommit[]): readonly number[] => commits.map(({ seq }) => seq);

describe('commits that were read last', () => {
  it('are there from a sequence on, up to the first that is not known, and no more than were asked for', () => {
    const recent = new RecentCommits(() => 0);
    for (const seq of [5, 6, 7, 9]) recent.keep(commitAt(seq));
    expect([seqsOf(recent.from(5, 256)), seqsOf(recent.from(6, 1)), seqsOf(recent.from(8, 256)), seqsOf(recent.from(9, 256))]).toEqual([[5, 6, 7], [6], [], [9]]);
  });

  it('have their events proved once, however many ask', () => {
    const recent = new RecentCommits(() => 0);
    const proofs = { count: 0 };
    recent.keep(commitAt(5, 100, proofs));
    const asked = Array.from({ length: 3 }, () => recent.from(5, 1)[0]?.opened?.eventAt(0));
    expect([new Set(asked).size, proofs.count]).toEqual([1, 1]);
  });

  it('are not kept where they could not be proved', () => {
    const recent = new RecentCommits(() => 0);
    recent.keep({ ...commitAt(5), opened: undefined });
    expect(recent.from(5, 1)).toEqual([]);
  });

  it('go with the connection over which they came', () => {
    let losses = 0;
    const recent = new RecentCommits(() => losses);
    recent.keep(commitAt(5));
    losses = 1;
    expect(recent.from(5, 1)).toEqual([]);
    recent.keep(commitAt(5));
    expect(seqsOf(recent.from(5, 1))).toEqual([5]);
  });

  it('go, those first that were unused for longest, before they take more than 16 MiB', () => {
    const recent = new RecentCommits(() => 0);
    for (let seq = 1; seq <= 20; seq += 1) recent.keep(commitAt(seq, 512 * 1024));
    expect([seqsOf(recent.from(1, 256)), seqsOf(recent.from(6, 256))]).toEqual([[], Array.from({ length: 15 }, (_, i) => i + 6)]);
  });
});
