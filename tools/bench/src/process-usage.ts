import { readFileSync } from 'node:fs';

/** Clock ticks of /proc/<pid>/stat: 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;
const PAGE_BYTES = 4_096;

export type ProcessUsage = { readonly cpuMs: number | null; readonly rssBytes: number | null; readonly writtenBytes: number | null };

/** CPU time (all threads), resident memory and bytes handed to the disk of a process; null where /proc does not say. */
export function processUsage(pid: number): ProcessUsage {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  const written = /^write_bytes: (\d+)$/m.exec(read(`/proc/${pid}/io`) ?? '')?.[1];
  return {
    cpuMs: number(fields[11]) === null ? null : (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    rssBytes: number(fields[21]) === null ? null : Number(fields[21]) * PAGE_BYTES,
    writtenBytes: number(written),
  };
}

/** A process and all that it has started, as far as /proc tells; only itself where it does not. */
export function processesBelow(pid: number): readonly number[] {
  const children = (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter((text) => text !== '');
  return [pid, ...children.flatMap((child) => processesBelow(Number(child)))];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function number(text: string | undefined): number | null {
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}
