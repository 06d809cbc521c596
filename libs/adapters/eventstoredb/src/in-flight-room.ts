import { Fault } from '@maestro/ports';

const COUNT_MAX = 512;
const BYTES_MAX = 16 * 1024 * 1024;
/** Appends that wait for room at most; beyond it callers are told to come again. */
const WAITING_MAX = 20_000;

type Waiting = { readonly bytes: number; readonly enter: () => void };

/**
 * Bounds what is sent and not yet answered, as the client itself would queue without bound.
 *
 * R1. Whoever came first goes first; one that is larger than all room goes when it is alone.
 * R2. Each release is counted once, however often it is called.
 */
export class InFlightRoom {
  readonly #countMax: number;
  #count = 0;
  #bytes = 0;
  #waiting: Waiting[] = [];
  #idle: (() => void)[] = [];

  constructor(countMax: number = COUNT_MAX) {
    this.#countMax = countMax;
  }

  /** Resolves with what gives the room back. Faults: STORE_UNAVAILABLE when it takes too long, ABORTED. */
  async enter(bytes: number, o: { readonly signal?: AbortSignal; readonly timeoutMs: number }): Promise<() => void> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) await this.#wait(bytes, o);
    else this.#take(bytes);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#count -= 1;
      this.#bytes -= bytes;
      this.#admit();
    };
  }

  /** Resolves once nothing is in flight. */
  drained(): Promise<void> {
    if (this.#count === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #fits(bytes: number): boolean {
    return this.#count === 0 || (this.#count < this.#countMax && this.#bytes + bytes <= BYTES_MAX);
  }

  #take(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
  }

  #wait(bytes: number, o: { readonly signal?: AbortSignal; readonly timeoutMs: number }): Promise<void> {
    const busy = (why: string): Fault =>
      new Fault('STORE_UNAVAILABLE', `${this.#count} appends await their answers, ${why}; nothing was written, try again`, { retryable: true });
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(busy(`${WAITING_MAX} more wait`));
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        o.signal?.removeEventListener('abort', onAbort);
        done();
      };
      const leave = (fault: Fault): void => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        settle(() => reject(fault));
        this.#admit();
      };
      const waiting: Waiting = { bytes, enter: () => settle(resolve) };
      const onAbort = (): void => leave(new Fault('ABORTED', 'the signal fired before anything was sent; nothing was written'));
      const timer = setTimeout(() => leave(busy('the time was over')), o.timeoutMs);
      o.signal?.addEventListener('abort', onAbort);
      this.#waiting.push(waiting);
    });
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#take(next.bytes);
      next.enter();
    }
    if (this.#count > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
