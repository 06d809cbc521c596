import { choicesFor } from './seeded-choices.ts';
import type { Choices } from './seeded-choices.ts';
import type { Simulation } from './simulation.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How far from the right time the clock is set. */
const OFFSETS_MS = [0, HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS] as const;
/** Under the deadline of policy: a full disk alone lets no decision come too late. */
const FULL_MS_MAX = 8_000;
const FROZEN_MS_MAX = 600_000;
const PAUSE_MS_MAX = 4_000;

const ACTS = ['crash', 'stop', 'disk-full', 'lost-tail', 'clock'] as const;
type Act = (typeof ACTS)[number];

/** Does harm that is not that of a single call: each seed has some kinds of it, and leaves the others out. */
export class Nemesis {
  readonly #world: Simulation;
  readonly #choices: Choices;
  readonly #acts: readonly Act[];
  /** the clock on the wall went ahead, or will have when it goes on again: what waits for it may be over time untried */
  isClockTouched = false;

  constructor(world: Simulation) {
    this.#world = world;
    this.#choices = choicesFor(world.seed, 'nemesis');
    this.#acts = ACTS.filter(() => this.#choices.chance(0.35));
  }

  /** Until the faults of the seed are over. */
  async run(isOver: () => boolean): Promise<void> {
    const { plan } = this.#world;
    while (!isOver() && this.#acts.length > 0) {
      await this.#world.wait(1 + this.#choices.below(PAUSE_MS_MAX));
      if (isOver() || !plan.happens(1)) return;
      await this.#act(this.#choices.pick(this.#acts));
    }
  }

  async #act(act: Act): Promise<void> {
    const { plan } = this.#world;
    if (act === 'clock') return this.#touchClock();
    if (act === 'lost-tail') return this.#loseTail();
    if (act !== 'disk-full' && this.#world.serving === undefined) return;
    plan.count(act);
    this.#world.note(act);
    if (act === 'crash') return this.#world.crash();
    if (act === 'stop') return this.#world.stop();
    this.#world.isDiskFull = true;
    await this.#world.wait(this.#choices.below(FULL_MS_MAX));
    this.#world.isDiskFull = false;
  }

  async #touchClock(): Promise<void> {
    const { plan, clock } = this.#world;
    this.isClockTouched = true;
    if (this.#choices.chance(0.3)) {
      plan.count('clock-frozen');
      this.#world.note('clock frozen');
      clock.freeze();
      await this.#world.wait(this.#choices.below(FROZEN_MS_MAX));
      clock.thaw();
      this.#world.note('clock goes on');
    } else {
      const ms = this.#choices.pick(OFFSETS_MS);
      plan.count('clock-jump');
      this.#world.note(`clock set to ${ms} ms from the right time`);
      clock.set(ms);
    }
  }

  /** The process dies, and the end of the log is damaged, of which the head mark still knows. */
  #loseTail(): void {
    const { disk, plan } = this.#world;
    const count = disk.markedCount - 1 - this.#choices.below(3);
    if (count < 0 || this.#world.serving === undefined) return;
    plan.count('lost-tail');
    this.#world.crash();
    this.#world.note(`the log is cut to ${count} events`);
    disk.cutTo(count);
  }
}
