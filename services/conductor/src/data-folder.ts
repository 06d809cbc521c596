import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@maestro/ports';

/** Raised when the layout of the folder changes; a folder of a newer release is refused. */
const LAYOUT_VERSION = 1;

/** Where things lie in a data folder. */
export type DataFolder = {
  readonly dir: string;
  readonly events: string;
  readonly processState: string;
  readonly views: string;
  readonly evidence: string;
  readonly keys: string;
  readonly dataKeys: string;
};

/** Makes the folder private to the user, and refuses one that a newer release wrote. */
export function openDataFolder(dir: string): DataFolder {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const versionFile = join(dir, 'version');
  const version = existsSync(versionFile) ? Number(readFileSync(versionFile, 'utf8')) : LAYOUT_VERSION;
  if (!(version <= LAYOUT_VERSION)) {
    throw new Fault('STORE_NEWER', `${dir} was written by a newer release (layout ${version}, this one knows ${LAYOUT_VERSION}): upgrade, or use another --data folder`);
  }
  writeFileSync(versionFile, `${LAYOUT_VERSION}\n`, { mode: 0o600 });
  return {
    dir,
    events: join(dir, 'events.db'),
    processState: join(dir, 'state.db'),
    views: join(dir, 'views.db'),
    evidence: join(dir, 'evidence'),
    keys: join(dir, 'keys'),
    dataKeys: join(dir, 'keys', 'vault'),
  };
}

/** How others find the conductor that holds a data folder: `conductor.json`. */
export type Presence = { readonly pid: number; readonly url: string; readonly startedAt: string; readonly version: string };

export function announce(dir: string, presence: Presence): void {
  const path = join(dir, 'conductor.json');
  writeFileSync(`${path}.new`, `${JSON.stringify(presence)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function withdraw(dir: string): void {
  rmSync(join(dir, 'conductor.json'), { force: true });
}
