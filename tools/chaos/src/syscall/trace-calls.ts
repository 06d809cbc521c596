/** One call as strace saw it begin. `path`: below the traced folder, undefined for calls on anything else. */
export type TracedCall = { readonly thread: number; readonly syscall: string; readonly paths: readonly string[] };

const CALL = /^(\d+)\s+([a-z0-9_]+)\((.*)$/;
const PLACES = /<([^<>]+)>|"([^"]*)"/g;

/** Calls of a trace made by `strace -f -y`, in its order. What a call resumed, or its signals, are not calls. */
export function callsOf(trace: readonly string[], folder: string): TracedCall[] {
  return trace.flatMap((line) => {
    const [, thread, syscall, rest] = CALL.exec(line) ?? [];
    if (thread === undefined || syscall === undefined || rest === undefined) return [];
    const places = [...rest.matchAll(PLACES)].map(([, fd, text]) => fd ?? text ?? '');
    const paths = places.filter((place) => place === folder || place.startsWith(`${folder}/`)).map((place) => place.slice(folder.length + 1));
    return [{ thread: Number(thread), syscall, paths: [...new Set(paths)] }];
  });
}

/** How often each thread began each of the calls; the largest is what strace counted up to. */
export function countPerThread(calls: readonly TracedCall[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { thread } of calls) counts.set(thread, (counts.get(thread) ?? 0) + 1);
  return counts;
}

/** Lines of calls whose result was made up. */
export function injectedCount(trace: readonly string[]): number {
  return trace.filter((line) => line.endsWith('(INJECTED)')).length;
}
