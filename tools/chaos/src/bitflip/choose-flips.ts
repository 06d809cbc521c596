import type { FileKind, FoundFile } from './file-kinds.ts';

/** One bit of one file. */
export type Flip = { readonly kind: string; readonly path: string; readonly offset: number; readonly bit: number };

/** Of the flips in a database or its log, this share hits what says how the rest is to be read. */
const STRUCTURE_SHARE = 0.4;
const PAGE_BYTES = 4_096;
/** Header of a database, and room for the one of a page with its first cell pointers. */
const FILE_HEAD_BYTES = 100;
const PAGE_HEAD_BYTES = 40;
/** One of the two entries of a head mark, each at the start of a page. */
const SLOT_BYTES = 92;
/** Record of one data key in its pool. */
const KEY_BYTES = 64;
/** Header of a log, of a frame in it, and the page that follows. */
const LOG_HEAD_BYTES = 32;
const FRAME_HEAD_BYTES = 24;

/** How many flips each kind gets: by weight, and together at least `total`. */
export function sharesOf(kinds: readonly FileKind[], total: number): readonly number[] {
  const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);
  return kinds.map(({ weight }) => Math.ceil((total * weight) / weights));
}

/**
 * Draws distinct bits of the files of one kind: files by their size,
 * and what says how the rest is to be read more often than by chance, as are the keys in use (`dataKeys`).
 */
export function chooseFlips(kind: FileKind, files: readonly FoundFile[], count: number, random: () => number, dataKeys: readonly string[] = []): readonly Flip[] {
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const chosen = new Map<string, Flip>();
  const countMax = Math.min(count, totalBytes * 8);
  while (chosen.size < countMax) {
    const file = fileAt(files, Math.floor(random() * totalBytes));
    const offset = offsetIn(file, random, dataKeys);
    const bit = Math.floor(random() * 8);
    chosen.set(`${file.path}:${offset}:${bit}`, { kind: kind.name, path: file.path, offset, bit });
  }
  return [...chosen.values()];
}

function fileAt(files: readonly FoundFile[], place: number): FoundFile {
  let before = 0;
  const found = files.find(({ sizeBytes }) => (before += sizeBytes) > place);
  if (found === undefined) throw new Error('there is no file of this kind');
  return found;
}

function offsetIn({ path, sizeBytes }: FoundFile, random: () => number, dataKeys: readonly string[]): number {
  const anywhere = Math.floor(random() * sizeBytes);
  if (random() >= STRUCTURE_SHARE) return anywhere;
  const used = usedSlots(path, dataKeys);
  if (used.length > 0) return (used[Math.floor(random() * used.length)] ?? 0) * KEY_BYTES + Math.floor(random() * KEY_BYTES);
  if (path.endsWith('-mark')) return Math.floor(random() * SLOT_BYTES) + (random() < 0.5 ? 0 : PAGE_BYTES);
  if (path.endsWith('.db')) return Math.min(sizeBytes - 1, inDatabase(sizeBytes, random));
  return path.endsWith('-wal') ? Math.min(sizeBytes - 1, inLog(sizeBytes, random)) : anywhere;
}

/** Places of handed out keys in a pool: most of a pool is never handed out. */
function usedSlots(path: string, dataKeys: readonly string[]): readonly number[] {
  return dataKeys.flatMap((keyId) => {
    const [, pool = '', slot = ''] = keyId.split('-');
    return path.includes(`pool-${pool}.keys`) ? [Number.parseInt(slot, 16)] : [];
  });
}

function inDatabase(sizeBytes: number, random: () => number): number {
  const page = Math.floor((random() * sizeBytes) / PAGE_BYTES);
  return page * PAGE_BYTES + Math.floor(random() * (page === 0 ? FILE_HEAD_BYTES + PAGE_HEAD_BYTES : PAGE_HEAD_BYTES));
}

function inLog(sizeBytes: number, random: () => number): number {
  const frameBytes = FRAME_HEAD_BYTES + PAGE_BYTES;
  const frame = Math.floor((random() * (sizeBytes - LOG_HEAD_BYTES)) / frameBytes);
  const isHead = random() < 0.1;
  return isHead ? Math.floor(random() * LOG_HEAD_BYTES) : LOG_HEAD_BYTES + frame * frameBytes + Math.floor(random() * (FRAME_HEAD_BYTES + PAGE_HEAD_BYTES));
}
