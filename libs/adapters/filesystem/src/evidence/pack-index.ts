import { crc32 } from 'node:zlib';

/** Evidence in a pack, as its index knows it. */
export type IndexedRecord = {
  readonly key: string;
  readonly digest: string;
  readonly offset: number;
  readonly length: number;
};

/**
 * Bytes of a pack that hold no readable record: a torn tail is what a crash left behind the last commit and was never
 * acknowledged; a damaged record was, and lies between readable ones.
 */
export type PackFinding = {
  readonly file: string;
  readonly kind: 'torn-tail' | 'damaged-record';
  readonly offset: number;
  readonly bytes: number;
};

/** What the index of a pack says. `sealedBytes` null: the process that wrote it never finished the pack. */
export type PackIndex = {
  readonly records: readonly IndexedRecord[];
  readonly findings: readonly PackFinding[];
  readonly sealedBytes: number | null;
};

// One line per fact, append-only, each ending in the CRC-32 of what stands before it:
//   + <offset> <length> <sha256> <key>      a record
//   ! <offset> <bytes> <kind>               bytes that no record covers
//   = <bytes>                               the pack is finished and has this size

/** The line of a record that was made durable. */
export function recordLine({ offset, length, digest, key }: IndexedRecord): string {
  return withChecksum(`+ ${offset} ${length} ${digest} ${key}`);
}
/** The line of bytes that no record covers. */
export function findingLine({ offset, bytes, kind }: PackFinding): string {
  return withChecksum(`! ${offset} ${bytes} ${kind}`);
}
/** The last line of a finished pack. */
export function sealLine(packBytes: number): string {
  return withChecksum(`= ${packBytes}`);
}

function withChecksum(fact: string): string {
  return `${fact} ${crc32(fact).toString(16).padStart(8, '0')}\n`;
}

/** Reads an index. Undefined when any line is damaged or cut: the pack itself must be read instead. */
export function parsePackIndex(text: string, file: string): PackIndex | undefined {
  const records: IndexedRecord[] = [];
  const findings: PackFinding[] = [];
  let sealedBytes: number | null = null;
  if (text !== '' && !text.endsWith('\n')) return undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    const fact = line.slice(0, -9);
    if (sealedBytes !== null || withChecksum(fact) !== `${line}\n`) return undefined;
    const [sign, first, second, third, key] = fact.split(' ');
    if (sign === '+') records.push({ offset: Number(first), length: Number(second), digest: third ?? '', key: key ?? '' });
    else if (sign === '!')
      findings.push({ file, offset: Number(first), bytes: Number(second), kind: third as PackFinding['kind'] });
    else sealedBytes = Number(first);
  }
  return { records, findings, sealedBytes };
}
