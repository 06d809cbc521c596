import type { Moment } from '@maestro/runtime';
import type { SchemaPart } from '../openapi/schema-parts.ts';
import type { Reader } from './request-fields.ts';

const REVISION = /^\d{1,15}$/;
/** A time of RFC 3339. */
export const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** `?at=`: a revision, or a time of RFC 3339. */
export const moment: Reader<Moment> = (given) => {
  if (typeof given === 'string' && REVISION.test(given)) return { kind: 'revision', revision: Number(given) };
  const atMs = typeof given === 'string' && TIME.test(given) ? Date.parse(given) : NaN;
  if (!Number.isNaN(atMs)) return { kind: 'time', atMs };
  throw 'expected a revision, or a time as in 2026-01-05T10:00:00.000Z';
};

/** The parameter as the document shows it. */
export const AT_QUERY: { readonly at: { readonly description: string; readonly schema: SchemaPart } } = {
  at: {
    description: 'the state then: a revision, or a time of RFC 3339 (its + written %2B); not given: now',
    schema: { type: 'string', anyOf: [{ pattern: REVISION.source }, { format: 'date-time', pattern: TIME.source }] },
  },
};
