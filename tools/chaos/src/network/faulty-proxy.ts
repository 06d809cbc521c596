import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** What happens to a connection. `cut-request`: with its first bytes; `cut-answer`: with the first bytes of an answer, which nobody gets. */
export const WIRE_FAULTS = ['cut-request', 'cut-answer', 'cut-later', 'delay', 'slice', 'half-open', 'twice'] as const;
export type WireFault = (typeof WIRE_FAULTS)[number];

const SHARE_SOUND = 0.3;
const CUT_LATER_MS = 1_500;
const DELAY_MS_MAX = 300;
/** A half-open connection is silent for longer than a client waits. */
const SILENCE_MS = 5_000;
const SLICE_BYTES_MAX = 200;
/** No connection is kept longer: clients reuse a sound one for ever, and no fault would be drawn again. */
const CONNECTION_MS_MAX = 3_000;

/** How long a half-open connection is silent (default 5 s), and how long any other one lives at most (default 3 s). */
export type ProxyTimes = { readonly silenceMs?: number; readonly connectionMsMax?: number };

/**
 * Stands between clients and a server, and harms what passes.
 * N1. Each connection has one fault or none, drawn from the seed when it is made.
 * N2. A fault counts when it took effect: bytes were there to be cut, kept back, sliced or sent twice.
 * N3. No connection lives for ever, so that faults go on being drawn; its end by age is no fault that counts.
 * N4. After `heal` everything passes; connections that were harmed are closed.
 */
export class FaultyProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #random: () => number;
  readonly #silenceMs: number;
  readonly #connectionMsMax: number;
  readonly #open = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** by the socket that it goes to: the end of what is being sliced */
  readonly #sliced = new WeakMap<Socket, Promise<void>>();
  readonly counts = new Map<WireFault | 'partition', number>();
  #isHealed = false;
  #isParted = false;

  private constructor(server: Server, targetPort: number, random: () => number, { silenceMs = SILENCE_MS, connectionMsMax = CONNECTION_MS_MAX }: ProxyTimes) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.#random = random;
    this.#silenceMs = silenceMs;
    this.#connectionMsMax = connectionMsMax;
    server.on('connection', (client) => this.#connected(client));
  }

  static async open(targetPort: number, random: () => number, times: ProxyTimes = {}): Promise<FaultyProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    return new FaultyProxy(server, targetPort, random, times);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Nothing passes, in either direction, on any connection, for so long; then it goes on. */
  async part(ms: number): Promise<void> {
    this.#count('partition');
    this.#isParted = true;
    for (const socket of this.#open) socket.pause();
    await new Promise<void>((resolve) => this.#later(ms, resolve));
    this.#isParted = false;
    for (const socket of this.#open) socket.resume();
  }

  heal(): void {
    this.#isHealed = true;
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.heal();
    for (const timer of this.#timers) clearTimeout(timer);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connected(client: Socket): void {
    const fault = this.#isHealed || this.#random() < SHARE_SOUND ? undefined : (WIRE_FAULTS[Math.floor(this.#random() * WIRE_FAULTS.length)] as WireFault);
    const upstream = this.#upstream();
    this.#joined(client, upstream);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    if (!this.#isHealed && fault !== 'half-open') {
      const ageing = this.#later(this.#random() * this.#connectionMsMax, end);
      client.on('close', () => this.#cancel(ageing));
    }
    let isFirstRequest = true;
    let isFirstAnswer = true;
    client.on('data', (bytes) => {
      const isFirst = isFirstRequest;
      isFirstRequest = false;
      if (isFirst && fault === 'cut-request') return this.#cutWithin(bytes, upstream, end);
      if (isFirst && fault === 'twice') this.#again(bytes);
      this.#pass(fault, bytes, upstream);
    });
    upstream.on('data', (bytes) => {
      const isFirst = isFirstAnswer;
      isFirstAnswer = false;
      if (fault === 'half-open') return void (isFirst && this.#silent(end));
      if (isFirst && fault === 'cut-answer') {
        this.#count('cut-answer');
        return end();
      }
      if (isFirst && fault === 'cut-later') this.#later(this.#random() * CUT_LATER_MS, () => this.#cutNow(client, end));
      this.#pass(fault, bytes, client);
    });
  }

  #upstream(): Socket {
    const upstream = connect(this.#targetPort, '127.0.0.1');
    upstream.setNoDelay(true);
    return upstream;
  }

  /** What ends one side ends the other. */
  #joined(client: Socket, upstream: Socket): void {
    client.setNoDelay(true);
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      this.#open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#open.delete(socket);
        other.destroy();
      });
      if (this.#isParted) socket.pause();
    }
  }

  #pass(fault: WireFault | undefined, bytes: Buffer, to: Socket): void {
    if (fault === 'delay') {
      this.#count('delay');
      to.cork();
      to.write(bytes);
      // what is corked keeps its order, whatever is written meanwhile
      this.#later(this.#random() * DELAY_MS_MAX, () => to.uncork());
    } else if (fault === 'slice') {
      this.#count('slice');
      const before = this.#sliced.get(to) ?? Promise.resolve();
      this.#sliced.set(to, before.then(() => this.#slice(bytes, to)));
    } else to.write(bytes);
  }

  /** One piece after the other, each in a packet of its own. */
  async #slice(bytes: Buffer, to: Socket): Promise<void> {
    for (let at = 0; at < bytes.length && !to.destroyed; ) {
      const end = at + 1 + Math.floor(this.#random() * SLICE_BYTES_MAX);
      await new Promise<void>((resolve) => void to.write(bytes.subarray(at, end), () => resolve()));
      at = end;
    }
  }

  #cutWithin(bytes: Buffer, to: Socket, end: () => void): void {
    this.#count('cut-request');
    to.write(bytes.subarray(0, Math.floor(this.#random() * bytes.length)), end);
  }

  #cutNow(client: Socket, end: () => void): void {
    if (client.destroyed) return;
    this.#count('cut-later');
    end();
  }

  #silent(end: () => void): void {
    this.#count('half-open');
    this.#later(this.#silenceMs, end);
  }

  /** The same bytes once more on a connection of their own, whose answer nobody reads. */
  #again(bytes: Buffer): void {
    this.#count('twice');
    const other = this.#upstream();
    this.#open.add(other);
    other.on('error', () => other.destroy()).on('close', () => this.#open.delete(other));
    other.resume();
    other.write(bytes);
    this.#later(this.#silenceMs, () => other.destroy());
  }

  #later(ms: number, work: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }

  #count(fault: WireFault | 'partition'): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
  }
}
