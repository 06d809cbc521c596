type Sender = { send?: ((message: unknown) => boolean) | undefined };

/**
 * Keeps the channel to the parent for the child's host. Libraries that find `process.send` tell their parent things (`ready`,
 * null, objects of their own), and the parent's end of the channel believes what comes.
 * G1. What is sent while the host itself sends goes out.
 * G2. An answer goes out once for each time that the host has given one.
 * G3. What the pool says about its own calls (they carry a `method`) goes out. Anything else is dropped; the sender sees `true`.
 */
export class SendGate {
  #isOpen = false;
  #answers = 0;

  constructor(target: Sender) {
    const send = target.send?.bind(target);
    if (send === undefined) return;
    target.send = (message) => (this.#passes(message) ? send(message) : true);
  }

  /** Runs what sends at once. */
  open<T>(work: () => T): T {
    this.#isOpen = true;
    try {
      return work();
    } finally {
      this.#isOpen = false;
    }
  }

  /** The answer that the pool sends next is the host's. */
  answered(): void {
    this.#answers += 1;
  }

  #passes(message: unknown): boolean {
    if (this.#isOpen) return true;
    if (message === null || typeof message !== 'object') return false;
    if ('method' in message) return true;
    if (this.#answers === 0 || !('result' in message || 'error' in message)) return false;
    this.#answers -= 1;
    return true;
  }
}
