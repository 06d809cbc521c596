import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';
import { reading } from './storage-fault.ts';
import type { Concerned } from './storage-fault.ts';

/** What SQLite says about pages and indexes, one finding each, where it can with the offset in the file; none: all is well. */
export function structureFindings(db: DatabaseSync, countMax: number, concerned?: Concerned): readonly string[] {
  return reading(() => {
    const pageBytes = Number(db.prepare('PRAGMA page_size').get()?.['page_size']);
    const rows = db.prepare(`PRAGMA integrity_check(${countMax})`).all();
    // some findings come together in one row, below a line that names the database
    const lines = rows.flatMap((row) => String(row['integrity_check']).split('\n'));
    return lines.filter((line) => line !== 'ok' && !line.startsWith('***')).map((line) => placed(line, pageBytes));
  }, concerned);
}

/** Reads the whole database: its pages must be sound, and its indexes say what its tables say. Fault: STORE_DAMAGED. */
export function assertStructure(db: DatabaseSync, concerned: Concerned): void {
  const [found] = structureFindings(db, 1, concerned);
  if (found !== undefined) throw new Fault('STORE_DAMAGED', `${concerned.path} is damaged: ${found}; ${concerned.remedy}`);
}

/** Pages are numbered from 1; people look for bytes. */
function placed(text: string, pageBytes: number): string {
  const page = /\bpage (\d+)/i.exec(text)?.[1];
  return page === undefined ? text : `at offset ${(Number(page) - 1) * pageBytes}: ${text}`;
}
