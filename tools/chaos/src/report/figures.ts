import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HarnessResult } from '../harness-result.ts';

/** What a harness left, or why it cannot be used. */
export type Read = { readonly kind: 'read'; readonly result: HarnessResult } | { readonly kind: 'unusable'; readonly why: string };

/** Reads `<harness>.json` of a folder. */
export function readResult(folder: string, harness: string): Read {
  let text: string;
  try {
    text = readFileSync(join(folder, `${harness}.json`), 'utf8');
  } catch {
    return { kind: 'unusable', why: `no figures of ${harness}: run ./maestro chaos ${harness} first` };
  }
  const result: unknown = parsed(text);
  return isResult(result, harness) ? { kind: 'read', result } : { kind: 'unusable', why: `${harness}.json is not the result of that harness` };
}

/** A number among the figures, by its path (`faults.crash`). Throws where there is none: the harness has changed its figures. */
export function figureAt({ harness, figures }: HarnessResult, path: string): number {
  // a name may hold dots itself: the longest one that fits is taken at each step
  const found = valueAt(figures, path);
  if (typeof found !== 'number') throw new MissingFigure(`${harness} has no figure ${path}`);
  return found;
}

/** The figures of a harness are not those that the scoreboard knows. */
export class MissingFigure extends Error {}

function valueAt(figures: unknown, path: string): unknown {
  if (typeof figures !== 'object' || figures === null) return undefined;
  const members = figures as { readonly [name: string]: unknown };
  if (Object.hasOwn(members, path)) return members[path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const found = Object.hasOwn(members, path.slice(0, dot)) ? valueAt(members[path.slice(0, dot)], path.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isResult(value: unknown, harness: string): value is HarnessResult {
  if (typeof value !== 'object' || value === null) return false;
  const { harness: name, seed, seconds, figures, floors, violations } = value as { readonly [member: string]: unknown };
  const isObject = (each: unknown): boolean => typeof each === 'object' && each !== null;
  return name === harness && typeof seed === 'string' && typeof seconds === 'number' && isObject(figures) && isObject(floors) && Array.isArray(violations);
}
