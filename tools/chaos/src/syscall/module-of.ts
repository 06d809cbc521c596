/**
 * One compiled module of a package, beside its index. A sweep starts and opens stores more than a thousand times: without
 * what else the indexes bring, a start takes a third of the time.
 */
export async function moduleOf<T>(specifier: string, file: string): Promise<T> {
  const index = import.meta.resolve(specifier);
  return (await import(new URL(index.endsWith('.ts') ? `${file}.ts` : `${file}.js`, index).href)) as T;
}
