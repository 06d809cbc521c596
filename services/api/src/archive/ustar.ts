/** Media type of what is written and read here. */
export const TAR_TYPE = 'application/x-tar';

const BLOCK = 512;
/** Entries of one archive that is read. */
const ENTRIES_MAX = 64;
const REGULAR = new Set(['0', '\0']);
/** Offsets and lengths of the header's fields (POSIX.1-1988, ustar). */
const FIELD = { name: [0, 100], mode: [100, 8], uid: [108, 8], gid: [116, 8], size: [124, 12], mtime: [136, 12], checksum: [148, 8], type: [156, 1], magic: [257, 8] } as const;

type FieldName = keyof typeof FIELD;

/**
 * Files as a ustar archive: the same files and time give the same bytes. Plain tar because every system unpacks it and
 * nothing in it has to be trusted: no compression, no links, no owners. Names have at most 100 ASCII characters.
 */
export function writeTar(files: ReadonlyMap<string, Uint8Array>, mtimeMs: number): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, bytes] of files) parts.push(headerOf(name, bytes.length, mtimeMs), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(name: string, size: number, mtimeMs: number): Buffer {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new Error(`${name} cannot be the name of an entry`);
  const header = Buffer.alloc(BLOCK);
  const put = (field: FieldName, text: string): number => header.write(text, FIELD[field][0], 'latin1');
  const octal = (value: number, field: FieldName): string => `${value.toString(8).padStart(FIELD[field][1] - 1, '0')}\0`;
  put('name', name);
  put('mode', octal(0o644, 'mode'));
  put('uid', octal(0, 'uid'));
  put('gid', octal(0, 'gid'));
  put('size', octal(size, 'size'));
  put('mtime', octal(Math.floor(mtimeMs / 1_000), 'mtime'));
  put('type', '0');
  put('magic', 'ustar\x0000');
  put('checksum', `${checksumOf(header).toString(8).padStart(6, '0')}\0 `);
  return header;
}

/** Sum of the header's bytes, its own field counted as blanks. */
function checksumOf(header: Uint8Array): number {
  const [start, length] = FIELD.checksum;
  return header.reduce((sum, byte, at) => sum + (at >= start && at < start + length ? 0x20 : byte), 0);
}

/**
 * The regular files of an archive by the last part of their names; nothing is unpacked anywhere. Other entries (folders,
 * links, extended headers) are passed over. A string says what is wrong.
 */
export function readTar(archive: Uint8Array): ReadonlyMap<string, Uint8Array> | string {
  const files = new Map<string, Uint8Array>();
  let at = 0;
  for (let entries = 0; at + BLOCK <= archive.length; entries++) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return files;
    if (entries === ENTRIES_MAX) return `more than ${ENTRIES_MAX} entries`;
    const size = numberIn(header, 'size');
    if (numberIn(header, 'checksum') !== checksumOf(header) || size === undefined) return `no tar header at byte ${at}`;
    const start = at + BLOCK;
    if (start + size > archive.length) return `the entry at byte ${at} is cut off`;
    const name = textIn(header, 'name').split('/').at(-1) ?? '';
    if (REGULAR.has(String.fromCharCode(header[FIELD.type[0]] ?? 0)) && name !== '') {
      if (files.has(name)) return `two entries are called ${name}`;
      files.set(name, archive.subarray(start, start + size));
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return 'the archive has no end';
}

function textIn(header: Uint8Array, field: FieldName): string {
  const [start, length] = FIELD[field];
  const text = Buffer.from(header.subarray(start, start + length)).toString('latin1');
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** Undefined: not an octal number. */
function numberIn(header: Uint8Array, field: 'size' | 'checksum'): number | undefined {
  const digits = textIn(header, field).trim();
  return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}
