import type { Json, JsonObject } from '@maestro/domain';

/** The properties of an output that its schema marks `"x-public": true`, at any depth of objects; the rest stays sealed. */
export function publicPartOf(schema: JsonObject, output: JsonObject): { readonly [key: string]: Json } {
  const properties = (schema['properties'] ?? {}) as { readonly [key: string]: JsonObject };
  const found: [string, Json][] = [];
  for (const [key, value] of Object.entries(output)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined) continue;
    if (property['x-public'] === true) found.push([key, value]);
    else if (isObject(value)) {
      const inner = publicPartOf(property, value);
      if (Object.keys(inner).length > 0) found.push([key, inner]);
    }
  }
  return Object.fromEntries(found);
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
