import type { Wanted } from '@maestro/codec';
import type { JsonObject } from '@maestro/domain';
import type { Path } from '../value-parts.ts';
import { partsWanted } from '../value-parts.ts';

/** What an output's schema marks `"x-public": true`, at any depth of objects; the rest stays sealed. */
export function publicPlaces(schema: JsonObject): Wanted {
  return partsWanted(pathsIn(schema, []));
}

function pathsIn(schema: JsonObject, path: Path): readonly Path[] {
  return Object.entries((schema['properties'] ?? {}) as { readonly [key: string]: JsonObject }).flatMap(([key, property]) => {
    const at = [...path, key];
    return property['x-public'] === true ? [at] : pathsIn(property, at);
  });
}
