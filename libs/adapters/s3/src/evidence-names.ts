// 200 characters leave room for prefix, digest and 1,024 bytes of an S3 name.
const KEY = /^[a-z0-9/._-]{1,200}$/;
const PACK = /^\d{13}-[0-9a-f]{64}$/;

/** Milliseconds since 1970 are counted down from here, so that an ascending list shows the newest pack first. */
const TIME_MAX_MS = 9_999_999_999_999;

/** Keys are chosen by the program, never by a user: a bad one is a bug, hence a RangeError. */
export function assertEvidenceKey(key: string): void {
  const isKey = KEY.test(key) && key.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isKey) throw new RangeError(`not an evidence key: ${JSON.stringify(key)}`);
}

/** The bytes decide such a key: nobody can mean other bytes by it, so nothing has to be looked up. */
export function isContentAddress(key: string, digest: string): boolean {
  return key === digest || key.endsWith(`/${digest}`);
}

/** Begins the names of all that was ever put alone under a key. `!` is outside the alphabet: `a` and `a/b` stay apart. */
export function itemPrefix(key: string): string {
  return `items/${key}/!`;
}
/** The object of one item: by key and content, so that puts which race to one name carry the same bytes. */
export function itemName(key: string, digest: string): string {
  return `${itemPrefix(key)}${digest}`;
}
/** `<time, descending>-<SHA-256 of the pack>` */
export function newPack(nowMs: number, digest: string): string {
  return `${String(TIME_MAX_MS - nowMs).padStart(13, '0')}-${digest}`;
}
/** The object of a pack. */
export function packName(pack: string): string {
  return `packs/${pack}`;
}
/** The digest that a pack has in its name. */
export function packDigest(pack: string): string {
  return pack.slice(14);
}
/** Undefined: not the object of a pack. */
export function packOfName(name: string): string | undefined {
  const pack = name.startsWith('packs/') ? name.slice('packs/'.length) : '';
  return PACK.test(pack) ? pack : undefined;
}

/** An object of its own, or a slice of a pack. `offset` and `length` in bytes. */
export type ItemLocation = { readonly kind: 'item'; readonly key: string; readonly versionId: string; readonly length: number };
export type PackLocation = {
  readonly kind: 'pack';
  readonly pack: string;
  readonly versionId: string;
  readonly offset: number;
  readonly length: number;
};

/** `s3-item:<key>:<versionId>:<length>` or `s3-pack:<pack>:<versionId>:<offset>:<length>`. Permanent: it is written into events. */
export function formatLocation(location: ItemLocation | PackLocation): string {
  const versionId = encodeURIComponent(location.versionId);
  if (location.kind === 'item') return `s3-item:${location.key}:${versionId}:${location.length}`;
  return `s3-pack:${location.pack}:${versionId}:${location.offset}:${location.length}`;
}

/** Undefined: not a location of this adapter. */
export function parseLocation(location: string): ItemLocation | PackLocation | undefined {
  const [kind, name = '', encoded = '', ...digits] = location.split(':');
  const versionId = decoded(encoded);
  if (versionId === '' || !digits.every((each) => /^\d{1,15}$/.test(each))) return undefined;
  const [first = 0, second = 0] = digits.map(Number);
  if (kind === 's3-item' && KEY.test(name) && digits.length === 1) return { kind: 'item', key: name, versionId, length: first };
  if (kind !== 's3-pack' || !PACK.test(name) || digits.length !== 2) return undefined;
  return { kind: 'pack', pack: name, versionId, offset: first, length: second };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
