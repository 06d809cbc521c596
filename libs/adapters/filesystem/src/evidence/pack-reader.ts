import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PRIVATE_FILE, SEALED_FILE, errnoOf, readAt, syncFolder, writeAll } from '../disk.ts';
import type { Disk } from '../disk.ts';
import { packName } from './evidence-key.ts';
import { findingLine, parsePackIndex, recordLine, sealLine } from './pack-index.ts';
import type { IndexedRecord, PackFinding, PackIndex } from './pack-index.ts';
import { RECORD_HEAD_BYTES_MAX, decodeRecordHead } from './pack-record.ts';

const HASH_CHUNK_BYTES = 1 << 20;

/** Numbers of the packs in a folder, rising. */
export async function listPacks(disk: Disk, folder: string): Promise<number[]> {
  const names = await disk.readdir(folder);
  return names
    .flatMap((name) => /^(\d{6,9})\.pack$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * The index of a pack of an earlier process. A finished pack is believed; any other is read as a whole, made durable
 * (its last commit may never have been), given a new index and sealed. So a torn tail is found once and never appended to.
 */
export async function loadPack(disk: Disk, folder: string, pack: number): Promise<PackIndex> {
  const path = join(folder, `${packName(pack)}.pack`);
  const indexPath = join(folder, `${packName(pack)}.idx`);
  const { size } = await disk.stat(path);
  const known = parsePackIndex(await readIndexText(disk, indexPath), path);
  if (known?.sealedBytes === size) return known;
  const handle = await disk.open(path, 'r');
  try {
    await handle.sync();
    const index = await scanPack(handle, path, size);
    await replaceIndex(disk, indexPath, index);
    await handle.chmod(SEALED_FILE);
    await syncFolder(disk, folder);
    return index;
  } finally {
    await handle.close();
  }
}

async function readIndexText(disk: Disk, path: string): Promise<string> {
  try {
    return await disk.readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}

/** Reads every record of a pack and checks its digest. A damaged head ends the scan: what follows cannot be told apart. */
async function scanPack(handle: FileHandle, file: string, size: number): Promise<PackIndex> {
  const records: IndexedRecord[] = [];
  const findings: PackFinding[] = [];
  for (let offset = 0; offset < size;) {
    const head = decodeRecordHead(await readAt(handle, offset, RECORD_HEAD_BYTES_MAX));
    if (head === undefined || offset + head.end > size) {
      findings.push({ file, kind: 'torn-tail', offset, bytes: size - offset });
      break;
    }
    const { key, digest, length, end } = head;
    const actual = await hashRange(handle, offset + head.bodyAt, length);
    if (actual === digest) records.push({ key, digest, offset, length });
    else findings.push({ file, kind: 'damaged-record', offset, bytes: end });
    offset += end;
  }
  return { records, findings, sealedBytes: size };
}

async function hashRange(handle: FileHandle, from: number, length: number): Promise<string> {
  const hash = createHash('sha256');
  for (let done = 0; done < length; done += HASH_CHUNK_BYTES) {
    hash.update(await readAt(handle, from + done, Math.min(HASH_CHUNK_BYTES, length - done)));
  }
  return hash.digest('hex');
}

async function replaceIndex(disk: Disk, path: string, index: PackIndex): Promise<void> {
  const lines = [...index.records.map(recordLine), ...index.findings.map(findingLine), sealLine(index.sealedBytes ?? 0)];
  const handle = await disk.open(`${path}.new`, 'w', PRIVATE_FILE);
  try {
    await writeAll(handle, Buffer.from(lines.join('')), 0);
    await handle.chmod(SEALED_FILE);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await disk.rename(`${path}.new`, path);
}
