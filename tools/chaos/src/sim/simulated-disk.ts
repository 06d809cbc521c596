import { MemoryEventLog, MemoryEventStore, MemoryEvidenceStore, MemoryKeyVault, MemoryProcessDisk, MemoryReadModels } from '@maestro/adapter-memory';
import type { Appended, Conflict, Entropy, EvidenceHead, EvidenceItem, EvidenceRef, EvidenceStore, StoredEvent } from '@maestro/ports';
import { Fault } from '@maestro/ports';
import type { SimulatedClock } from './simulated-clock.ts';

/** How long after a commit the head mark is on disk. */
const MARK_AFTER_MS = 50;

/**
 * What outlives a process: events, their head mark, process state, evidence, query models and keys. A damaged end of the
 * log is simulated by taking it off; the head mark, which lies elsewhere, still knows that it was there.
 */
export class SimulatedDisk {
  readonly log = new MemoryEventLog('simulated');
  readonly processes = new MemoryProcessDisk();
  readonly evidence = new DiskEvidence();
  readonly views = new MemoryReadModels();
  readonly vault: MemoryKeyVault;
  readonly #clock: SimulatedClock;
  #markedCount = 0;
  #isMarkDue = false;
  #lost: readonly StoredEvent[] = [];

  readonly #note: (line: string) => void;

  constructor(clock: SimulatedClock, entropy: Entropy, note: (line: string) => void) {
    this.#clock = clock;
    this.#note = note;
    this.vault = new MemoryKeyVault((count) => entropy.bytes(count));
  }

  /** So many events were committed last: the mark follows. */
  committed(count: number): void {
    for (const { stream, revision, type, hash } of this.log.events.slice(-count)) this.#note(`event ${stream}/${revision} ${type} ${hash.slice(0, 12)}`);
    if (this.#isMarkDue) return;
    this.#isMarkDue = true;
    this.#clock.after(MARK_AFTER_MS, () => {
      this.#isMarkDue = false;
      this.#markedCount = Math.max(this.#markedCount, this.log.events.length);
    });
  }

  /** Events of which the mark says that they were committed. */
  get markedCount(): number {
    return this.#markedCount;
  }

  /** As a start does: STORE_BEHIND_MARK where the log has less than the mark says. */
  compareWithMark(): void {
    const { length } = this.log.events;
    if (length >= this.#markedCount) return;
    throw new Fault('STORE_BEHIND_MARK', `${this.#markedCount} events were committed and ${length} are there`);
  }

  /** Takes the end of the log off; what is taken can be put back. */
  cutTo(count: number): void {
    const lost = this.log.events.splice(count);
    for (const { stream } of lost) {
      const events = this.log.streams.get(stream);
      events?.pop();
      if (events?.length === 0) this.log.streams.delete(stream);
    }
    this.#lost = lost;
  }

  /** As from a backup: what was taken off is there again. */
  restore(): void {
    for (const event of this.#lost) {
      const events = this.log.streams.get(event.stream) ?? [];
      events.push(event);
      this.log.streams.set(event.stream, events);
      this.log.events.push(event);
    }
    this.#lost = [];
  }
}

/** A store on a simulated disk: its commits are what the head mark counts. */
export class DiskEventStore extends MemoryEventStore {
  readonly #disk: SimulatedDisk;

  constructor(disk: SimulatedDisk) {
    super({ log: disk.log });
    this.#disk = disk;
  }

  override async append(...args: Parameters<MemoryEventStore['append']>): Promise<Appended | Conflict> {
    const answer = await super.append(...args);
    if (answer.kind === 'appended' && !answer.deduplicated) this.#disk.committed(args[2].length);
    return answer;
  }
}

/** Evidence of which the latest can be lost; what was stored before keeps its place. */
export class DiskEvidence implements EvidenceStore {
  #inner = new MemoryEvidenceStore();
  #items: EvidenceItem[] = [];

  get count(): number {
    return this.#items.length;
  }

  async put(item: EvidenceItem): Promise<EvidenceRef> {
    const ref = await this.#inner.put(item);
    this.#keep([item]);
    return ref;
  }

  async putMany(items: readonly EvidenceItem[]): Promise<readonly EvidenceRef[]> {
    const refs = await this.#inner.putMany(items);
    this.#keep(items);
    return refs;
  }

  get(ref: EvidenceRef): Promise<Uint8Array> {
    return this.#inner.get(ref);
  }

  find(key: string): Promise<EvidenceRef | null> {
    return this.#inner.find(key);
  }

  head(ref: EvidenceRef): Promise<EvidenceHead | null> {
    return this.#inner.head(ref);
  }

  hold(ref: EvidenceRef, on: boolean): Promise<void> {
    return this.#inner.hold(ref, on);
  }

  async close(): Promise<void> {}

  /** Only the first so many items are left. */
  cutTo(count: number): void {
    if (count >= this.#items.length) return;
    this.#items = this.#items.slice(0, count);
    this.#inner = new MemoryEvidenceStore();
    // a store in memory has them before it answers
    void this.#inner.putMany(this.#items);
  }

  #keep(items: readonly EvidenceItem[]): void {
    const known = new Set(this.#items.map(({ key }) => key));
    for (const item of items) if (!known.has(item.key)) this.#items.push(item);
  }
}
