import type { Clock, Log, Metrics, ProcessState, QuarantinedStream } from '@maestro/ports';
import { QUARANTINE, isFault, readQuarantine } from '@maestro/ports';

/** Rows kept; beyond them the oldest are forgotten, which stay in the log. */
const ROWS_MAX = 10_000;
const DETAIL_MAX = 1_024;

type Dependencies = { readonly state: ProcessState; readonly clock: Clock; readonly metrics: Metrics; readonly log: Log };

/**
 * Streams that are left alone, by name and reason.
 * Q1. Setting aside and clearing take effect at once; they are written behind, one write at a time.
 * Q2. Each party sets aside and clears for itself: what one can read may be what another cannot fold.
 * Q3. What was set aside before this process began is tried once more by whoever set it aside, and cleared if that works.
 */
export class Quarantine {
  readonly #d: Dependencies;
  readonly #rows = new Map<string, QuarantinedStream>();
  /** stream → how many have set it aside */
  readonly #parties = new Map<string, number>();
  readonly #changed = new Set<string>();
  #writing: Promise<void> = Promise.resolve();
  #isDue = false;

  /** Use `open`. */
  constructor(dependencies: Dependencies) {
    this.#d = dependencies;
  }

  static async open(dependencies: Dependencies): Promise<Quarantine> {
    const quarantine = new Quarantine(dependencies);
    for (const row of await readQuarantine(dependencies.state)) quarantine.#put(row);
    quarantine.#tell();
    return quarantine;
  }

  /** Reads what other processes have set aside since: whoever takes over from them tries it once more. */
  async refresh(): Promise<void> {
    for (const row of await readQuarantine(this.#d.state)) if (!this.#rows.has(keyOf(row)) && !this.#changed.has(keyOf(row))) this.#put(row);
    this.#tell();
  }

  /** The same stream again changes nothing, unless the reason is another one. */
  setAside(by: string, stream: string, error: unknown): void {
    const { code, detail } = reasonOf(error);
    const key = keyOf({ by, stream });
    const known = this.#rows.get(key);
    if (known?.code === code) return;
    this.#put({ stream, by, code, detail, since: known?.since ?? new Date(this.#d.clock.nowMs()).toISOString() });
    // whoever sets it aside has named the error
    this.#d.log.log('warn', 'a stream is set aside', { stream, by, code });
    this.#changed.add(key);
    for (const oldest of this.#rows.values()) {
      if (this.#rows.size <= ROWS_MAX) break;
      this.#take(oldest);
    }
    this.#changes();
  }

  clear(by: string, stream: string): void {
    const row = this.#rows.get(keyOf({ by, stream }));
    if (row === undefined) return;
    this.#d.log.log('info', 'a stream is served again', { stream, by });
    this.#take(row);
    this.#changes();
  }

  /** The oldest first. */
  rows(): readonly QuarantinedStream[] {
    return [...this.#rows.values()];
  }

  /** Streams that this party set aside. */
  streamsOf(by: string): readonly string[] {
    return this.rows().flatMap((row) => (row.by === by ? [row.stream] : []));
  }

  /** Waits until what changed so far is written, or could not be. */
  async settle(): Promise<void> {
    await this.#writing;
  }

  #put(row: QuarantinedStream): void {
    const key = keyOf(row);
    if (!this.#rows.has(key)) this.#parties.set(row.stream, (this.#parties.get(row.stream) ?? 0) + 1);
    this.#rows.set(key, row);
  }

  #take(row: QuarantinedStream): void {
    const key = keyOf(row);
    this.#rows.delete(key);
    this.#changed.add(key);
    const left = (this.#parties.get(row.stream) ?? 1) - 1;
    if (left > 0) this.#parties.set(row.stream, left);
    else this.#parties.delete(row.stream);
  }

  #changes(): void {
    this.#tell();
    if (this.#isDue) return;
    this.#isDue = true;
    this.#writing = this.#writing.then(() => this.#write());
  }

  #tell(): void {
    this.#d.metrics.gauge('mc_quarantined_streams', this.#parties.size);
  }

  async #write(): Promise<void> {
    this.#isDue = false;
    const keys = [...this.#changed];
    this.#changed.clear();
    const upserts = keys.flatMap((key) => {
      const value = this.#rows.get(key);
      return value === undefined ? [] : [{ key, value }];
    });
    try {
      await this.#d.state.apply(QUARANTINE, null, upserts, keys.filter((key) => !this.#rows.has(key)));
    } catch (error) {
      // written with the next change; until then a restart finds out again
      for (const key of keys) this.#changed.add(key);
      this.#d.log.log('warn', 'set-aside streams could not be written', { error });
    }
  }
}

function keyOf({ by, stream }: Pick<QuarantinedStream, 'by' | 'stream'>): string {
  return `${stream} ${by}`;
}

/** A fault has its code; whatever else was thrown is a bug. */
function reasonOf(error: unknown): { readonly code: string; readonly detail: string } {
  const message = error instanceof Object && 'message' in error ? String(error.message) : String(error);
  return { code: isFault(error) ? error.code : 'BUG', detail: message.slice(0, DETAIL_MAX) };
}
