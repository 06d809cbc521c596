import { hash } from 'node:crypto';
import type { Rows, TableName } from '@maestro/ports';
import { Fault } from '@maestro/ports';
import type { DamageNotice } from './views-dialect.ts';

const DIGEST_CHARS = 64;

/** How a row is kept: SHA-256 of table and text, hex, and then the text, JSON. */
export function sealedRow(table: TableName, text: string): string {
  return `${digestOf(table, text)}${text}`;
}

/** As kept before rows had digests: sealed, whatever it says. */
export function sealedAgain(table: TableName, kept: string): string {
  return kept.startsWith('{') ? sealedRow(table, kept) : kept;
}

/** The row that was kept. Fault: STORE_DAMAGED, where it is another one. */
export function provedRow<T extends TableName>(table: T, kept: string, { what, remedy }: DamageNotice): Rows[T] {
  const text = kept.slice(DIGEST_CHARS);
  if (kept.slice(0, DIGEST_CHARS) === digestOf(table, text)) return JSON.parse(text) as Rows[T];
  const id = /"id":"([^"]{1,200})"/.exec(text)?.[1] ?? 'unknown';
  throw new Fault('STORE_DAMAGED', `${what} are damaged: row ${id} of ${table} does not match its digest; ${remedy}`);
}

function digestOf(table: TableName, text: string): string {
  return hash('sha256', `${table} ${text}`);
}
