import { readFileSync } from 'node:fs';
import { MEMORY_EVERY_MS } from './child-protocol.ts';

/** Resident bytes of a process, from procfs; null when it is gone, or where there is no procfs. */
export function readRssBytes(pid: number | 'self'): number | null {
  try {
    // VmRSS comes in kB, as proc(5) says; statm would need the page size.
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/** Looks at processes every 100 ms, and only while there is one to look at. */
export class RssWatchdog {
  readonly #watched = new Map<number, (rssBytes: number) => void>();
  #timer: NodeJS.Timeout | undefined;

  /** `onSize` is called with every size; the answer ends it. */
  watch(pid: number, onSize: (rssBytes: number) => void): () => void {
    this.#watched.set(pid, onSize);
    this.#timer ??= setInterval(() => this.#look(), MEMORY_EVERY_MS).unref();
    return () => {
      this.#watched.delete(pid);
      if (this.#watched.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #look(): void {
    for (const [pid, onSize] of this.#watched) {
      const rssBytes = readRssBytes(pid);
      if (rssBytes !== null) onSize(rssBytes);
    }
  }
}
