/** A JSON Schema 2020-12 node as OpenAPI 3.1 carries it. */
export type SchemaPart = { readonly [keyword: string]: unknown };

/** A named component. */
export function ref(name: string): SchemaPart {
  return { $ref: `#/components/schemas/${name}` };
}

/** A closed description of an answer: every property is there unless it is listed as optional. */
export function object(properties: { readonly [name: string]: SchemaPart }, o: { readonly optional?: readonly string[]; readonly description?: string } = {}): SchemaPart {
  const required = Object.keys(properties).filter((name) => !(o.optional ?? []).includes(name));
  return { type: 'object', ...(o.description === undefined ? {} : { description: o.description }), ...(required.length === 0 ? {} : { required }), properties };
}

/** A closed body of a request. What is not required may be null, which is as good as not given. */
export function request(required: { readonly [name: string]: SchemaPart }, optional: { readonly [name: string]: SchemaPart }): SchemaPart {
  const either = Object.fromEntries(Object.entries(optional).map(([name, part]) => [name, nullable(part)]));
  return { ...object({ ...required, ...either }, { optional: Object.keys(optional) }), additionalProperties: false };
}

export function list(items: SchemaPart): SchemaPart {
  return { type: 'array', items };
}

export function nullable(part: SchemaPart): SchemaPart {
  return { anyOf: [part, { type: 'null' }] };
}

export function described(part: SchemaPart, description: string): SchemaPart {
  return { ...part, description };
}

export const text: SchemaPart = { type: 'string' };
export const flag: SchemaPart = { type: 'boolean' };
export const whole: SchemaPart = { type: 'integer' };
export const number: SchemaPart = { type: 'number' };
export const time: SchemaPart = { type: 'string', format: 'date-time' };
export const binary: SchemaPart = { type: 'string', format: 'binary' };
export const anyObject: SchemaPart = { type: 'object', additionalProperties: true };
export const digest: SchemaPart = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' };
export const version: SchemaPart = { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+(-[a-z0-9.]+)?$' };
export const workflowId: SchemaPart = { type: 'string', pattern: '^[a-zA-Z0-9_-]{3,64}$' };
export const region: SchemaPart = { type: 'string', pattern: '^[^\\n\\r\\u2028\\u2029]{1,64}$' };
export const comment: SchemaPart = { type: 'string', maxLength: 1_024, description: 'kept in the public history: no secrets' };
export const position: SchemaPart = { type: 'string', description: 'opaque place in the order of all events; pass it to a query to read what was written' };

export function oneOfValues(...values: readonly string[]): SchemaPart {
  return { type: 'string', enum: values };
}

/** One page of a list of the read model. */
export function page(row: string): SchemaPart {
  return object({
    items: list(ref(row)),
    next: described(nullable(text), 'pass it as `after`; null: the end'),
    position: nullable(position),
    upToDate: described(flag, 'the read model held all that the store held when it was asked'),
    lagMs: described(whole, 'age of the oldest event that it did not hold; 0: it held all'),
  });
}
