import type { ByteRange, Wanted } from '@maestro/codec';
import type { Json, JsonObject } from '@maestro/domain';

/** Keys, or indexes of lists, from the root of a value to a part of it. */
export type Path = readonly string[];

type Node = { name: string | undefined; readonly below: Map<string, Node> };

/** What a scan is to look for; each part is named by its path as JSON. A part of a wanted part is not looked for. */
export function partsWanted(paths: readonly Path[]): Wanted {
  const root: Node = { name: undefined, below: new Map() };
  for (const path of [...paths].sort((a, b) => a.length - b.length)) {
    let node = root;
    for (const key of path) {
      if (node.name !== undefined) break;
      const next: Node = node.below.get(key) ?? { name: undefined, below: new Map() };
      node.below.set(key, next);
      node = next;
    }
    node.name ??= JSON.stringify(path);
  }
  return root;
}

/** A value that holds the found parts at their paths and nothing else; undefined: they have too many bytes together. */
export function partsAt(bytes: Uint8Array, found: ReadonlyMap<string, ByteRange>, bytesMax: number): Json | undefined {
  let sizeBytes = 0;
  for (const { start, end } of found.values()) sizeBytes += end - start;
  if (sizeBytes > bytesMax) return undefined;
  let root: Json = {};
  for (const [name, { start, end }] of found) {
    const part = JSON.parse(Buffer.from(bytes.subarray(start, end)).toString('utf8')) as Json;
    const path = JSON.parse(name) as Path;
    if (path.length === 0) root = part;
    else put(root as JsonObject, path, part);
  }
  return root;
}

// defined and not set: a key `__proto__` stays data
function put(root: JsonObject, path: Path, part: Json): void {
  let at = root as { [key: string]: Json };
  for (const [i, key] of path.entries()) {
    const isLast = i === path.length - 1;
    if (isLast || !Object.hasOwn(at, key)) Object.defineProperty(at, key, { value: isLast ? part : {}, enumerable: true, configurable: true, writable: true });
    at = Object.getOwnPropertyDescriptor(at, key)?.value as { [key: string]: Json };
  }
}
