import { Fault } from '@maestro/ports';

/** Commands in hand at once; of these, commands that open work. What is left is room for what goes on with it. */
const IN_HAND_MAX = 256;
const OPENING_MAX = 128;
/** Commands that wait; beyond it a sender is told to come back. */
const WAITING_MAX = 10_000;

type Limits = { readonly inHandMax: number; readonly openingMax: number; readonly waitingMax: number };

/**
 * Which command is handled next, where more come than can be handled at once.
 * A1. At most `inHandMax` are in hand, and `openingMax` of those that open work.
 * A2. One that opens work never goes before one that waits and opens none. Within each kind: first come, first served.
 * A3. What has no place to wait is refused with the fault QUEUE_FULL; it is not decided on.
 */
export class Admission {
  readonly #limits: Limits;
  readonly #goingOn = new Set<() => void>();
  readonly #opening = new Set<() => void>();
  #inHand = 0;
  #openingInHand = 0;

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { inHandMax: IN_HAND_MAX, openingMax: OPENING_MAX, waitingMax: WAITING_MAX, ...limits };
  }

  /** Faults: QUEUE_FULL, retryable. Whatever `work` throws passes through. */
  async run<T>(opensWork: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#mayEnter(opensWork)) this.#enter(opensWork);
    else await this.#wait(opensWork);
    try {
      return await work();
    } finally {
      this.#inHand -= 1;
      if (opensWork) this.#openingInHand -= 1;
      this.#admit();
    }
  }

  /** commands that wait */
  get waitingCount(): number {
    return this.#goingOn.size + this.#opening.size;
  }

  #mayEnter(opensWork: boolean): boolean {
    const { inHandMax, openingMax } = this.#limits;
    return this.#inHand < inHandMax && (!opensWork || this.#openingInHand < openingMax);
  }

  #enter(opensWork: boolean): void {
    this.#inHand += 1;
    if (opensWork) this.#openingInHand += 1;
  }

  #wait(opensWork: boolean): Promise<void> {
    const { waitingMax } = this.#limits;
    if (this.waitingCount >= waitingMax) throw new Fault('QUEUE_FULL', `${waitingMax} commands wait to be handled; send this one again later`, { retryable: true });
    return new Promise((resolve) => (opensWork ? this.#opening : this.#goingOn).add(resolve));
  }

  #admit(): void {
    for (const opensWork of [false, true]) {
      const row = opensWork ? this.#opening : this.#goingOn;
      for (const letIn of row) {
        if (!this.#mayEnter(opensWork)) break;
        row.delete(letIn);
        this.#enter(opensWork);
        letIn();
      }
    }
  }
}
