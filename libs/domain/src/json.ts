/** A value that JSON can carry. Canonical JSON carries a subset: see `findUnrepresentable` in `@maestro/receipt`. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };
