import type { HarnessResult } from '../harness-result.ts';
import { figureAt } from './figures.ts';

/** One line of the scoreboard. Null: this harness cannot tell, or the question makes no sense for this fault. */
export type FaultRow = {
  readonly fault: string;
  /** how often it was done, and took effect */
  readonly count: number;
  /** of what was acknowledged, or was seen by a client */
  readonly lost: number | null;
  /** effects that happened twice, or nobody asked for */
  readonly doubled: number | null;
  /** of what altered something that is read or served */
  readonly undetected: number | null;
  /** longest time that somebody waited because of it, ms */
  readonly stallMs: number | null;
};

const LOST = ['ACKNOWLEDGED_LOST', 'OBSERVED_LOST', 'RUN_OPEN', 'RUN_STUCK', 'RECEIPT_MISSING'];
const DOUBLED = ['KEY_ANSWERED_TWICE', 'RUN_UNASKED', 'TASK_SUCCEEDED_TWICE', 'TERMINAL_TWICE', 'EVENT_AFTER_END', 'EVENT_TWICE', 'COMMAND_TWICE', 'ATTEMPT_ENDED_TWICE', 'RECEIPT_TWICE', 'REPEATED_OTHERWISE'];

/** Violations of a run that name one of these promises. */
function countOf({ violations }: HarnessResult, codes: readonly string[]): number {
  return violations.filter((violation) => codes.some((code) => violation.includes(code))).length;
}

/** A row of a harness that holds the whole history against what clients were told; a violation belongs to no single fault. */
function judged(result: HarnessResult, fault: string, figures: readonly string[], stallMs: number | null = null): FaultRow {
  const count = figures.reduce((sum, figure) => sum + figureAt(result, figure), 0);
  return { fault, count, lost: countOf(result, LOST), doubled: countOf(result, DOUBLED), undetected: null, stallMs };
}

/** Every fault of the simulation; none of its time is real, so nobody waits. */
export function simRows(result: HarnessResult): readonly FaultRow[] {
  const of = (fault: string, ...kinds: readonly string[]): FaultRow => judged(result, fault, kinds.map((kind) => `faults.${kind}`));
  const lostTail = of('process dies and the end of its log is gone', 'lost-tail');
  return [
    of('process dies at any moment, before or after any call', 'crash', 'crash-before', 'crash-after'),
    of('process is stopped and started again', 'stop'),
    of('call of a port fails before or after it took effect, or with unknown outcome', 'fail-before', 'fail-after', 'unknown-outcome', 'broken-stream', 'lost-settlement'),
    of('call or message comes late, twice or out of order', 'delay', 'duplicate', 'late-duplicate', 'late-item', 'reorder'),
    of('disk is full, then freed', 'disk-full'),
    { ...lostTail, undetected: lostTail.count - figureAt(result, 'noticedLosses') },
    of('wall clock set by ± 1 h or ± 1 d, or frozen', 'clock-jump', 'clock-frozen'),
  ];
}

export function syscallRows(result: HarnessResult): readonly FaultRow[] {
  const failing = (errno: string): FaultRow => ({
    fault: `system call of the stores fails with ${errno}`,
    count: figureAt(result, `${errno}.points`),
    lost: figureAt(result, `${errno}.lost`),
    doubled: countOf(result, DOUBLED),
    undetected: null,
    stallMs: figureAt(result, `${errno}.longestRefusalMs`),
  });
  return [
    { fault: 'SIGKILL at a system call of the stores', count: figureAt(result, 'kills'), lost: figureAt(result, 'lost'), doubled: countOf(result, DOUBLED), undetected: null, stallMs: figureAt(result, 'recoveryMs.max') },
    failing('ENOSPC'),
    failing('EIO'),
    { ...judged(result, 'small disk filled, then freed', ['fullDisk.fills']), stallMs: figureAt(result, 'fullDisk.longestResumeMs') },
  ];
}

export function killRows(result: HarnessResult): readonly FaultRow[] {
  return [judged(result, 'kill -9 of a conductor under load', ['kills'], figureAt(result, 'stallMaxMs'))];
}

export function networkRows(result: HarnessResult): readonly FaultRow[] {
  const of = (fault: string, ...kinds: readonly string[]): FaultRow => judged(result, fault, kinds.map((kind) => `faults.${kind}`), figureAt(result, 'stallMaxMs'));
  return [
    of('connection of a client is cut in its request, its answer or later', 'cut-request', 'cut-answer', 'cut-later'),
    of('bytes come late or in small pieces', 'delay', 'slice'),
    of('request arrives twice', 'twice'),
    of('connection is half open: the request arrives, no answer comes', 'half-open'),
    of('client and conductor are parted for up to 1.5 s', 'partition'),
  ];
}

/** One row for each scenario; what is lost or doubled belongs to the history of its cluster since the scenario before. */
export function clusterRows(result: HarnessResult): readonly FaultRow[] {
  const scenarios = Object.entries((result.figures['scenarios'] ?? {}) as { readonly [name: string]: { readonly fault: string } });
  return scenarios.map(([name, { fault }]) => {
    const of = (figure: string): number => figureAt(result, `scenarios.${name}.${figure}`);
    return { fault, count: of('count'), lost: of('lost'), doubled: of('doubled'), undetected: null, stallMs: of('stallMs') };
  });
}

/** One row for each kind of file. Flips that altered nothing that is read or served are counted, and proved by an equal dump. */
export function bitflipRows(result: HarnessResult): readonly FaultRow[] {
  const kinds = Object.entries(result.figures).filter(([, figures]) => typeof figures === 'object' && figures !== null && 'flips' in figures);
  return kinds.map(([kind]) => {
    const undetected = figureAt(result, `${kind}.undetected`) + figureAt(result, `${kind}.unnamed`);
    return { fault: `bit flipped: ${kind} (${figureAt(result, `${kind}.alteredNothing`)} altered nothing)`, count: figureAt(result, `${kind}.flips`), lost: null, doubled: null, undetected, stallMs: null };
  });
}

export function tamperRows(result: HarnessResult): readonly FaultRow[] {
  const attacks = result.figures['judged'] as readonly { readonly right: string; readonly got: string }[];
  const undetected = attacks.filter(({ right, got }) => right !== 'VERIFIED' && got === 'VERIFIED').length;
  const none = { lost: null, doubled: null, stallMs: null };
  return [
    { ...none, fault: 'byte of a receipt set changed, removed or added', count: figureAt(result, 'changes'), undetected: figureAt(result, 'accepted') - undetected },
    { ...none, fault: 'structured attack on a receipt set', count: figureAt(result, 'attacks'), undetected },
  ];
}

export function soakRows(result: HarnessResult): readonly FaultRow[] {
  const fault = `half of the maximum load for ${figureAt(result, 'minutes')} minutes (runs)`;
  return [{ fault, count: figureAt(result, 'runs'), lost: figureAt(result, 'errors'), doubled: null, undetected: null, stallMs: Math.round(figureAt(result, 'loopDelayMaxMs')) }];
}
