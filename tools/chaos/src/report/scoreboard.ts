import type { HarnessResult } from '../harness-result.ts';
import { MissingFigure, figureAt, readResult } from './figures.ts';
import { bitflipRows, clusterRows, killRows, networkRows, simRows, soakRows, syscallRows, tamperRows } from './fault-row.ts';
import type { FaultRow } from './fault-row.ts';

/** What the scoreboard takes from a harness: its rows, and figures without which a run is too small to show anything. */
type Source = { readonly rows: (result: HarnessResult) => readonly FaultRow[]; readonly floors: { readonly [figure: string]: number }; readonly more?: (result: HarnessResult) => readonly string[] };

/** In the order of the scoreboard. */
export const SOURCES: { readonly [harness: string]: Source } = {
  sim: { rows: simRows, floors: { seeds: 2_000, acknowledged: 10_000 }, more: plantedNotFound },
  syscall: { rows: syscallRows, floors: { kills: 1_000, 'ENOSPC.points': 200, 'EIO.points': 200 } },
  kill: { rows: killRows, floors: { kills: 200, acknowledged: 5_000 } },
  network: { rows: networkRows, floors: { faultCount: 300, acknowledged: 500 } },
  cluster: { rows: clusterRows, floors: { faultCount: 300, acknowledged: 2_000, 'scenarios.kill-role.count': 60 } },
  bitflip: { rows: bitflipRows, floors: {}, more: tooFewFlips },
  tamper: { rows: tamperRows, floors: { changes: 20_000, attacks: 100 } },
  soak: { rows: soakRows, floors: { minutes: 3, runs: 1_000 } },
};

const PLANTED_MIN = 8;
const FLIPS_MIN = 1_000;

export type Section = { readonly harness: string; readonly seed: string; readonly seconds: number; readonly rows: readonly FaultRow[] };

/** `problems`: why this is no scoreboard to be proud of; none: it is one. */
export type Scoreboard = { readonly sections: readonly Section[]; readonly problems: readonly string[] };

/** Puts together what the harnesses left in a folder. */
export function scoreboardOf(folder: string, sources: { readonly [harness: string]: Source } = SOURCES): Scoreboard {
  const sections: Section[] = [];
  const problems: string[] = [];
  for (const [harness, source] of Object.entries(sources)) {
    const read = readResult(folder, harness);
    if (read.kind === 'unusable') {
      problems.push(read.why);
      continue;
    }
    try {
      const { result } = read;
      const { seed, seconds, violations } = result;
      const rows = source.rows(result);
      sections.push({ harness, seed, seconds: Math.round(seconds), rows });
      if (violations.length > 0) problems.push(`${harness}: ${violations.length} violations, the first: ${violations[0]}`);
      problems.push(...missed(result, source), ...broken(harness, rows));
    } catch (error) {
      if (!(error instanceof MissingFigure)) throw error;
      problems.push(error.message);
    }
  }
  return { sections, problems };
}

function missed(result: HarnessResult, { floors, more }: Source): readonly string[] {
  const under = Object.entries(floors).flatMap(([figure, floor]) => {
    const found = figureAt(result, figure);
    return found < floor ? [`${result.harness}: ${figure} is ${found}; less than ${floor} shows nothing`] : [];
  });
  return [...under, ...(more?.(result) ?? [])];
}

/** A row that says itself that a promise is broken, whatever its harness calls a violation. */
function broken(harness: string, rows: readonly FaultRow[]): readonly string[] {
  return rows.flatMap(({ fault, lost, doubled, undetected }) => {
    const bad = Object.entries({ lost, doubled, undetected }).filter(([, count]) => count !== null && count !== 0);
    return bad.map(([what, count]) => `${harness}: ${fault}: ${count} ${what}`);
  });
}

function plantedNotFound({ figures }: HarnessResult): readonly string[] {
  const planted = Object.entries((figures['planted'] ?? {}) as { readonly [name: string]: object | null });
  const found = planted.filter(([, by]) => by !== null).length;
  const missing = planted.flatMap(([name, by]) => (by === null ? [`sim: the planted fault ${name} was not found`] : []));
  return found < PLANTED_MIN ? [...missing, `sim: ${found} planted faults were found; at least ${PLANTED_MIN} are needed`] : missing;
}

function tooFewFlips(result: HarnessResult): readonly string[] {
  const flips = bitflipRows(result).reduce((sum, { count }) => sum + count, 0);
  return flips < FLIPS_MIN ? [`bitflip: ${flips} flips; less than ${FLIPS_MIN} shows nothing`] : [];
}
