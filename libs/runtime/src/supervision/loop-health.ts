import type { Clock } from '@maestro/ports';

/** `failing`: it waits for something and goes on by itself; `stopped`: it does not. `since`: RFC 3339. */
export type LoopState = { readonly name: string; readonly state: 'running' | 'failing' | 'stopped'; readonly detail: string; readonly since: string };

/** How the long-lived loops of this process are doing, each by its name. */
export class LoopHealth {
  readonly #clock: Clock;
  readonly #loops = new Map<string, LoopState>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It got through what it last tried. */
  works(name: string): void {
    this.#set(name, 'running', 'running');
  }

  failing(name: string, error: unknown): void {
    this.#set(name, 'failing', messageOf(error));
  }

  /** `error` undefined: it was asked to. */
  stopped(name: string, error?: unknown): void {
    this.#set(name, 'stopped', error === undefined ? 'was asked to stop' : messageOf(error));
  }

  /** By name. */
  rows(): readonly LoopState[] {
    return [...this.#loops.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #set(name: string, state: LoopState['state'], detail: string): void {
    const known = this.#loops.get(name);
    if (known?.state === state && known.detail === detail) return;
    const since = known?.state === state ? known.since : new Date(this.#clock.nowMs()).toISOString();
    this.#loops.set(name, { name, state, detail, since });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Object && 'message' in error ? String(error.message) : String(error);
}
