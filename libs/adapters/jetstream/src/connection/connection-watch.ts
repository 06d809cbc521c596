import type { NatsConnection } from '@nats-io/transport-node';

/** The connection was lost while a call waited: whether the server took it is not known. Internal; callers see a `Fault`. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected';
}

/**
 * Says at once when the connection is lost. The client lets a pending request wait its whole time-out, and drops what is
 * published while it is down, so calls race the loss, and wait for the connection before they are sent again.
 *
 * W1. `#waiting` holds a callback per racing call; the loss calls each once, and a call that ends removes its own.
 * W2. `isUp` is false from the loss to the reconnection; `up()` resolves at the latter, at close, or when the signal fires.
 */
export class ConnectionWatch {
  readonly #connection: NatsConnection;
  readonly #waiting = new Set<() => void>();
  readonly #coming = new Set<() => void>();
  #isUp = true;
  #losses = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    void this.#follow();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** How often the connection was lost so far: what was known of the server before may not hold any more. */
  get losses(): number {
    return this.#losses;
  }

  /** The answer, or `Disconnected` as soon as the connection is lost (at once where it is). */
  race<T>(answer: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const lost = (): void => reject(new Disconnected('the connection to NATS was lost before the answer came'));
      if (!this.#isUp) lost();
      this.#waiting.add(lost);
      answer.then(resolve, reject).finally(() => this.#waiting.delete(lost));
    });
  }

  /** Resolves when the connection is there, was closed for ever, or the signal fires; look at `isUp` then. */
  up(signal: AbortSignal): Promise<void> {
    if (this.#isUp || signal.aborted || this.#connection.isClosed()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#coming.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#coming.add(done);
      signal.addEventListener('abort', done);
    });
  }

  async #follow(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect') this.#turn(false);
      if (status.type === 'reconnect') this.#turn(true);
    }
    this.#turn(false);
    callAll(this.#coming);
  }

  #turn(isUp: boolean): void {
    this.#isUp = isUp;
    if (!isUp) this.#losses += 1;
    callAll(isUp ? this.#coming : this.#waiting);
  }
}

function callAll(callbacks: Set<() => void>): void {
  for (const call of [...callbacks]) call();
}
