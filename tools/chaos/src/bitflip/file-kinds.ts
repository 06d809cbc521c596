import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

/** Which of the readers of a data folder looks at a kind of file. */
export type ProbeName = 'records' | 'keys' | 'process-state' | 'read-models' | 'policy';

/** Where its files lie: in the folder of an orderly end, in that of a kill, or among what is shipped. */
export type Place = 'closed' | 'killed' | 'shipped';

export type FileKind = {
  readonly name: string;
  readonly place: Place;
  readonly probe: ProbeName;
  /** relative to the place, with forward slashes */
  readonly isOne: (path: string) => boolean;
  /** of all flips, how many are of this kind, in relation to the others */
  readonly weight: number;
};

const named = (name: string) => (path: string): boolean => path === name;

/** Everything in a data folder, and of what is shipped beside it, that is read after it was written. */
export const FILE_KINDS: readonly FileKind[] = [
  { name: 'event store', place: 'closed', probe: 'records', isOne: named('events.db'), weight: 6 },
  { name: 'log of the event store', place: 'killed', probe: 'records', isOne: named('events.db-wal'), weight: 6 },
  { name: 'head mark', place: 'closed', probe: 'records', isOne: named('events.db-mark'), weight: 2 },
  { name: 'evidence packs', place: 'closed', probe: 'records', isOne: (path) => /^evidence\/packs\/.*\.pack$/.test(path), weight: 3 },
  { name: 'evidence indexes', place: 'closed', probe: 'records', isOne: (path) => /^evidence\/packs\/.*\.idx$/.test(path), weight: 1 },
  { name: 'large values', place: 'closed', probe: 'records', isOne: (path) => path.startsWith('evidence/files/'), weight: 2 },
  { name: 'data keys', place: 'closed', probe: 'records', isOne: (path) => /^keys\/vault\/data\/.*\.keys$/.test(path), weight: 2 },
  { name: 'signing key', place: 'closed', probe: 'keys', isOne: named('keys/signing.pem'), weight: 1 },
  { name: 'key registry', place: 'closed', probe: 'keys', isOne: named('keys/registry.json'), weight: 1 },
  { name: 'public root key', place: 'closed', probe: 'keys', isOne: named('keys/root/root.pub'), weight: 1 },
  { name: 'process state', place: 'closed', probe: 'process-state', isOne: named('state.db'), weight: 3 },
  { name: 'read models', place: 'closed', probe: 'read-models', isOne: named('views.db'), weight: 6 },
  { name: 'policy sets', place: 'shipped', probe: 'policy', isOne: (path) => /\.(wasm|data\.json)$/.test(path), weight: 1 },
  { name: 'index of policy sets', place: 'shipped', probe: 'policy', isOne: named('index.json'), weight: 1 },
];

export type FoundFile = { readonly path: string; readonly sizeBytes: number };

/** The files of a kind below its place, in the order of their names; those without content are none. */
export function filesOf(kind: FileKind, folder: string): readonly FoundFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => kind.isOne(path))
    .sort()
    .map((path) => ({ path, sizeBytes: statSync(join(folder, path)).size }))
    .filter(({ sizeBytes }) => sizeBytes > 0);
}

/** What lies beside a file and is opened with it: put back before the next flip. */
export const PROBE_FILES: { readonly [probe in ProbeName]: (path: string) => boolean } = {
  records: (path) => basename(path).startsWith('events.db') || path.startsWith('evidence/') || path.startsWith('keys/vault/'),
  keys: (path) => path.startsWith('keys/') && !path.startsWith('keys/vault/'),
  'process-state': (path) => path.startsWith('state.db'),
  'read-models': (path) => path.startsWith('views.db'),
  policy: () => true,
};
