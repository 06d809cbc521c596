const STEP_MS = 50;

/** Asks again until the answer is true. Throws after `maxMs`, naming what was waited for. */
export async function eventually(what: string, maxMs: number, ask: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + maxMs;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`waited ${maxMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

/** What a promise comes to. Throws after `maxMs`, naming what was waited for. */
export async function within<T>(what: () => string, maxMs: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`waited ${maxMs} ms in vain: ${what()}`)), maxMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs `work` for every item, at most `width` at once; the results in the order of the items. */
export async function inParallel<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}
