/** Choices of one seed. Not for anything that must be unpredictable. */
export type Choices = {
  /** 0 ≤ x < 1 */
  next(): number;
  /** whole, 0 ≤ x < n */
  below(n: number): number;
  /** true in this share of the cases */
  chance(share: number): boolean;
  /** one of them; throws where there is none */
  pick<T>(from: readonly T[]): T;
};

/** mulberry32: the same choices for the same seed, on every machine. */
export function seededChoices(seed: number): Choices {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick(from) {
      const picked = from[below(from.length)];
      if (picked === undefined) throw new Error('there is nothing to pick from');
      return picked;
    },
  };
}

/** FNV-1a: choices that depend on a name, and on nothing that was chosen before. */
export function choicesFor(seed: number, name: string): Choices {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return seededChoices(hash);
}
