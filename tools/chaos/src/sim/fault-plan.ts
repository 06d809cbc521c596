import type { AnswerRule } from './port-rules.ts';
import type { Choices } from './seeded-choices.ts';

/** What can be done to one call. */
export const CALL_FAULTS = ['fail-before', 'fail-after', 'unknown-outcome', 'delay', 'reorder', 'duplicate', 'late-duplicate', 'crash-before', 'crash-after'] as const;
export type CallFault = (typeof CALL_FAULTS)[number];
/** What else can happen. */
export type OtherFault = 'broken-stream' | 'late-item' | 'lost-settlement' | 'disk-full' | 'crash' | 'stop' | 'clock-jump' | 'clock-frozen' | 'lost-tail';
export type FaultKind = CallFault | OtherFault;

/**
 * Which faults a seed has, and how many. Every seed leaves some kinds out and has others often: what all seeds have a
 * little of hides what a burst of one kind shows. There is an end to them, so that every run can end.
 */
export class FaultPlan {
  readonly counts = new Map<FaultKind, number>();
  readonly #choices: Choices;
  readonly #rate: number;
  readonly #wanted: ReadonlySet<CallFault>;
  #left: number;
  isOn = false;

  constructor(choices: Choices) {
    this.#choices = choices;
    this.#rate = choices.pick([0, 0.01, 0.03, 0.08]);
    this.#wanted = new Set(CALL_FAULTS.filter(() => choices.chance(0.6)));
    this.#left = 5 + choices.below(60);
  }

  /** Whether something with this share happens now. */
  happens(share: number): boolean {
    return this.isOn && this.#left > 0 && this.#choices.chance(share);
  }

  /** What happens to this call; undefined: nothing. */
  ofCall(rule: AnswerRule): CallFault | undefined {
    if (this.#rate === 0 || !this.happens(this.#rate)) return undefined;
    const possible = CALL_FAULTS.filter((kind) => this.#wanted.has(kind) && isPossible(kind, rule));
    return possible.length === 0 ? undefined : this.#choices.pick(possible);
  }

  count(kind: FaultKind): void {
    this.#left -= 1;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** milliseconds, most of them short */
  delayMs(): number {
    return this.#choices.chance(0.8) ? this.#choices.below(200) : this.#choices.below(4_000);
  }

  coin(): boolean {
    return this.#choices.chance(0.5);
  }
}

function isPossible(kind: CallFault, rule: AnswerRule): boolean {
  switch (kind) {
    case 'fail-before':
      return rule.before !== null;
    case 'fail-after':
    case 'unknown-outcome':
      return rule.after !== null;
    case 'duplicate':
      return rule.again !== 'never';
    case 'late-duplicate':
      return rule.again === 'late';
    default:
      return true;
  }
}
