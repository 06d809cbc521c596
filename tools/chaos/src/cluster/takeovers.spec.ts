import { partitionOf } from '@maestro/ports';
import { takeoversMs } from './takeovers.ts';

const PARTITIONS = 3;
/** a stream of each partition */
const streams = Array.from({ length: PARTITIONS }, (_, partition) => {
  const name = Array.from({ length: 100 }, (_, i) => `execution-${i}`).find((one) => partitionOf(one, PARTITIONS) === partition);
  if (name === undefined) throw new Error(`none of the names is of partition ${partition}`);
  return name;
});
const decided = (...times: readonly (readonly number[])[]) => times.flatMap((ofPartition, i) => ofPartition.map((atMs) => ({ stream: streams[i] ?? '', atMs })));

describe('how long a takeover took', () => {
  it('is until the last partition decides something again, after each death', () => {
    const decisions = decided([90, 110, 910], [95, 400, 905], [100, 350, 1_500]);
    expect(takeoversMs(decisions, [100, 900], PARTITIONS)).toEqual([300, 600]);
  });

  it('has no end where a partition decides nothing any more', () => {
    expect(takeoversMs(decided([90, 110], [95], [100, 350]), [100], PARTITIONS)).toEqual([Number.POSITIVE_INFINITY]);
  });
});
