import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '@maestro/ports';
import { plainFault, toFault } from './storage-fault.ts';

/** Makes a new name in a folder durable. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Creates the file and its folder where missing; only the user may read them. SQLite gives its own files the same mode. */
export function createPrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  syncFolder(dirname(path));
}

/**
 * Keeps every other process and every other open in this one out, until the answered function is called or the
 * process ends: an exclusive transaction on an empty database of its own, so that no lock outlives its holder.
 */
export function lockFile(path: string): () => void {
  createPrivateFile(path);
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    const plain = plainFault(error);
    if ((error as { errcode?: number }).errcode !== 5) throw toFault(plain, error);
    throw new Fault('STORE_IN_USE', `another process holds ${path}; stop it, or use another data folder`, {
      cause: error,
    });
  }
  return () => db.close();
}
