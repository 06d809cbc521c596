import { hash } from 'node:crypto';

/** 64 hex, over everything that a row of a process state says: its name, and the other columns in their order. */
export function stateDigest(...columns: readonly string[]): string {
  return hash('sha256', JSON.stringify(columns));
}
