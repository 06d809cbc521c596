// 200 characters fit one file name of every common file system.
const KEY = /^[a-z0-9/._-]{1,200}$/;

/** Keys are chosen by the program, never by a user: a bad one is a bug, hence a RangeError. */
export function assertEvidenceKey(key: string): void {
  if (!isEvidenceKey(key)) throw new RangeError(`not an evidence key: ${JSON.stringify(key)}`);
}

/** `[a-z0-9/._-]`, 1 to 200 characters, no part between slashes empty, `.` or `..`. */
export function isEvidenceKey(key: string): boolean {
  return KEY.test(key) && key.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** One flat file name per key (`+` is outside the alphabet), so that `a` and `a/b` never fight over a name. */
export function fileNameOf(key: string): string {
  return key.replaceAll('/', '+');
}

/** Where evidence lies: a record of a pack, or a file of its own. */
export type EvidenceLocation =
  | { readonly kind: 'pack'; readonly pack: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'file'; readonly key: string };

/** `pack:000001:<offset of the record>:<byte length of the evidence>` or `file:<key>`. */
export function formatLocation(location: EvidenceLocation): string {
  if (location.kind === 'file') return `file:${location.key}`;
  return `pack:${packName(location.pack)}:${location.offset}:${location.length}`;
}

/** Undefined for anything that `formatLocation` never writes. */
export function parseLocation(text: string): EvidenceLocation | undefined {
  const [, number, offset, length] = /^pack:(\d{6,9}):(\d{1,15}):(\d{1,10})$/.exec(text) ?? [];
  const location: EvidenceLocation =
    number === undefined
      ? { kind: 'file', key: text.startsWith('file:') ? text.slice(5) : '' }
      : { kind: 'pack', pack: Number(number), offset: Number(offset), length: Number(length) };
  if (location.kind === 'file' && !isEvidenceKey(location.key)) return undefined;
  return formatLocation(location) === text ? location : undefined;
}

/** Number of a pack as it stands in names, at least six digits. */
export function packName(pack: number): string {
  return String(pack).padStart(6, '0');
}
