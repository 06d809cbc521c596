/** Deterministic source of choices. */
export type RandomSource = { below(n: number): number; chance(p: number): boolean; pick<T>(list: readonly T[]): T };
export function randomSource(seed: number): RandomSource;
/** One input for a stage: mostly sound, some bent in one place. */
export function randomInput(random: RandomSource, stage: 'publish' | 'start' | 'task'): object;
