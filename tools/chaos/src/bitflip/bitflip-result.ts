import type { HarnessResult } from '../harness-result.ts';
import type { Flip } from './choose-flips.ts';
import type { DoctorCase } from './doctor-cases.ts';
import { FILE_KINDS } from './file-kinds.ts';
import type { Verdict } from './judge.ts';

export type Judged = { readonly flip: Flip; readonly verdict: Verdict };

/** What a run of the harness has seen. */
export type Flipped = {
  readonly seed: string;
  readonly seconds: number;
  readonly eventCount: number;
  readonly judged: readonly Judged[];
  readonly doctored: readonly DoctorCase[];
  readonly floors: BitflipFloors;
};

/** Below these a run shows nothing. */
export type BitflipFloors = { readonly flipsMin: number; readonly detectedMin: number; readonly eventsMin: number; readonly doctoredMin: number; readonly repairedMin: number };

/** Of the kinds of files of which every part is read, one flip at least must have been detected. */
const ALWAYS_READ = new Set(['log of the event store', 'event store', 'evidence packs', 'large values', 'data keys', 'signing key', 'key registry', 'public root key', 'policy sets', 'read models', 'process state']);

/** Figures by kind of file; one violation for each flip that was served, has no code or names no place, and for each missed floor. */
export function bitflipResult({ seed, seconds, eventCount, judged, doctored, floors }: Flipped): HarnessResult {
  const byKind = FILE_KINDS.map(({ name }) => ({ name, ...countsOf(judged.filter(({ flip }) => flip.kind === name)) })).filter(({ flips }) => flips > 0);
  const all = countsOf(judged);
  const repaired = doctored.filter(({ outcome, violation }) => outcome === 'repaired' && violation === null).length;
  const missed = [
    ...floor('flips', all.flips, floors.flipsMin),
    ...floor('detected flips', all.detected, floors.detectedMin),
    ...floor('events in the history', eventCount, floors.eventsMin),
    ...floor('folders shown to the doctor', doctored.length, floors.doctoredMin),
    ...floor('folders that the doctor has repaired', repaired, floors.repairedMin),
    ...byKind.filter(({ name, flips, detected }) => ALWAYS_READ.has(name) && flips >= 10 && detected === 0).map(({ name, flips }) => `${name}: none of ${flips} flips was detected: it is not read by the harness`),
  ];
  return {
    harness: 'bitflip',
    seed,
    seconds: Math.round(seconds),
    figures: { ...Object.fromEntries(byKind.map(({ name, ...counts }) => [name, counts])), events: eventCount, shownToDoctor: doctored.length, repairedByDoctor: repaired },
    floors: { ...floors, undetectedMax: 0, unnamedMax: 0 },
    violations: [...judged.flatMap(violationOf), ...doctored.flatMap(({ flip, violation }) => (violation === null ? [] : [`doctor: ${placeOf(flip)}: ${violation}`])), ...missed],
  };
}

/** One line for each kind of file. */
export function linesOf({ figures }: HarnessResult): readonly string[] {
  const kinds = Object.entries(figures).filter((entry): entry is [string, Counts] => typeof entry[1] === 'object');
  return kinds.map(
    ([name, { flips, detected, alteredNothing, undetected, unnamed }]) => `${name.padEnd(24)} ${String(flips).padStart(5)} flips, ${String(detected).padStart(5)} detected, ${String(alteredNothing).padStart(5)} altered nothing, ${undetected} undetected, ${unnamed} without name or code`,
  );
}

export type Counts = { readonly flips: number; readonly detected: number; readonly alteredNothing: number; readonly undetected: number; readonly unnamed: number };

/** Of all flips together. */
export function countsOf(judged: readonly Judged[]): Counts {
  const count = (...kinds: readonly Verdict['kind'][]): number => judged.filter(({ verdict }) => kinds.includes(verdict.kind)).length;
  return { flips: judged.length, detected: count('detected'), alteredNothing: count('same'), undetected: count('served'), unnamed: count('unnamed', 'uncoded') };
}

function violationOf({ flip, verdict: { kind, question, detail } }: Judged): readonly string[] {
  if (kind === 'same' || kind === 'detected') return [];
  return [`${kind}: ${placeOf(flip)}: ${question ?? 'the folder'}: ${detail.slice(0, 300)}`];
}

function placeOf({ kind, path, offset, bit }: Flip): string {
  return `${kind}, ${path} offset ${offset} bit ${bit}`;
}

function floor(what: string, found: number, min: number): readonly string[] {
  return found >= min ? [] : [`${found} ${what}, at least ${min} are needed`];
}
