import { Fault, assertUnmoved, type ApplyOptions, type Cursor, type ProcessRow, type ProcessState } from '@maestro/ports';
import type { Json } from '@maestro/domain';

type Process = { cursor: Cursor | null; /** key → JSON text */ readonly rows: Map<string, string> };

/** What a memory process state would have on disk; it outlives the states opened on it. */
export class MemoryProcessDisk {
  readonly processes = new Map<string, Process>();
}

/** Process state that lives as long as its disk object. Values are kept as JSON text, so none is shared with a caller. */
export class MemoryProcessState implements ProcessState {
  readonly #disk: MemoryProcessDisk;
  #closed = false;

  constructor(disk: MemoryProcessDisk = new MemoryProcessDisk()) {
    this.#disk = disk;
  }

  async load(name: string): Promise<{ readonly cursor: Cursor | null; readonly rows: AsyncIterable<ProcessRow> }> {
    this.#check();
    const process = this.#disk.processes.get(name);
    if (process === undefined) return { cursor: null, rows: inKeyOrder([]) };
    return { cursor: process.cursor, rows: inKeyOrder([...process.rows]) };
  }

  async apply(
    name: string,
    cursor: Cursor | null,
    upserts: readonly ProcessRow[],
    deletes: readonly string[],
    { expected }: ApplyOptions = {},
  ): Promise<void> {
    this.#check();
    assertUnmoved(name, expected, this.#disk.processes.get(name)?.cursor ?? null);
    // all values become text before the first change: one that is no JSON changes nothing
    const texts = upserts.map((row) => [row.key, JSON.stringify(row.value)] as const);
    const process = this.#disk.processes.get(name) ?? { cursor: null, rows: new Map<string, string>() };
    this.#disk.processes.set(name, process);
    for (const [key, text] of texts) process.rows.set(key, text);
    for (const key of deletes) process.rows.delete(key);
    process.cursor = cursor ?? process.cursor;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the process state was closed; open it again');
  }
}

async function* inKeyOrder(rows: [string, string][]): AsyncGenerator<ProcessRow, void, undefined> {
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, text] of rows) yield { key, value: JSON.parse(text) as Json };
}
