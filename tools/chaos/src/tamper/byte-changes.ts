import type { FailureClass } from '@maestro/receipt';
import { PROVING_FILES } from './real-sets.ts';
import type { ProvingFile, SetBytes } from './real-sets.ts';

export type ChangeKind = 'bit flipped' | 'one added' | 'deleted' | 'inserted';

/** A set with one byte of one file changed. `bytes` is valid until the next one is asked for. */
export type ByteChange = { readonly file: ProvingFile; readonly kind: ChangeKind; readonly offset: number; readonly bytes: Buffer };

export type ChangePlan = {
  /** of every byte: 1 to 8 */
  readonly bitsPerByte: number;
  /** bytes raised by one, deleted and put in, each, a file */
  readonly sampleCount: number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
};

/**
 * Every byte of every file changed, one at a time: `bitsPerByte` of its bits flipped; and at random places a byte raised by
 * one, deleted, or put in.
 */
export function* byteChanges(set: SetBytes, { bitsPerByte, sampleCount, random }: ChangePlan): Generator<ByteChange> {
  for (const file of PROVING_FILES) {
    const original = set[file];
    const bytes = Buffer.from(original);
    for (const [offset, byte] of original.entries()) {
      const firstBit = Math.floor(random() * 8);
      for (let i = 0; i < bitsPerByte; i++) {
        bytes[offset] = byte ^ (1 << ((firstBit + i) % 8));
        yield { file, kind: 'bit flipped', offset, bytes };
      }
      bytes[offset] = byte;
    }
    yield* sampledChanges(file, original, sampleCount, random);
  }
}

function* sampledChanges(file: ProvingFile, original: Buffer, count: number, random: () => number): Generator<ByteChange> {
  for (let i = 0; i < count; i++) {
    const raised = Math.floor(random() * original.length);
    yield { file, kind: 'one added', offset: raised, bytes: Buffer.from(original).fill(((original[raised] ?? 0) + 1) & 0xff, raised, raised + 1) };
    // the last byte is where files are cut and lengthened: it is always among them
    const deleted = i === 0 ? original.length - 1 : Math.floor(random() * original.length);
    yield { file, kind: 'deleted', offset: deleted, bytes: Buffer.concat([original.subarray(0, deleted), original.subarray(deleted + 1)]) };
    const at = i === 0 ? original.length : Math.floor(random() * (original.length + 1));
    const byte = Buffer.of(Math.floor(random() * 256));
    yield { file, kind: 'inserted', offset: at, bytes: Buffer.concat([original.subarray(0, at), byte, original.subarray(at)]) };
  }
}

const LINE_FEED = 0x0a;

/** The classes that are right for one change, from the rules of the format alone: no code of the verifier decides here. */
export function rightClasses({ file, kind, offset, bytes }: ByteChange, original: Buffer): readonly FailureClass[] {
  switch (file) {
    case 'receipt':
      return ['TAMPERED_RECEIPT'];
    case 'manifest':
      return ['REPLAYED_RECEIPT'];
    case 'events':
      return endsOpen(bytes, kind, offset, original) ? ['TRUNCATED_HISTORY'] : ['TAMPERED_EVENT'];
    case 'bundle':
      return bundleClasses(bytes, offset, original);
  }
}

/** Only the end of the file was touched, and no line feed is there any more. */
function endsOpen(bytes: Buffer, kind: ChangeKind, offset: number, original: Buffer): boolean {
  return offset >= original.length - 1 && bytes.at(-1) !== LINE_FEED && !(kind === 'inserted' && offset < original.length);
}

/** What the signature covers may still be sound JSON when changed; the signature itself has one spelling; the rest has one value. */
function bundleClasses(bytes: Buffer, offset: number, original: Buffer): readonly FailureClass[] {
  const signature = memberOf(original, 'sig');
  const payload = memberOf(original, 'payload');
  const changed = ({ start, end }: Span): string => bytes.toString('latin1', start, end + bytes.length - original.length);
  if (isWithin(signature, offset)) return [isBase64(changed(signature)) ? 'TAMPERED_RECEIPT' : 'MALFORMED'];
  if (isWithin(payload, offset) && isBase64(changed(payload))) return ['TAMPERED_RECEIPT', 'MALFORMED'];
  return ['MALFORMED'];
}

type Span = { readonly start: number; readonly end: number };

/** Where the text of a member lies, without its quotation marks. */
function memberOf(bundle: Buffer, name: string): Span {
  const opening = `"${name}":"`;
  const start = bundle.indexOf(opening) + opening.length;
  return { start, end: bundle.indexOf('"', start) };
}

function isWithin({ start, end }: Span, offset: number): boolean {
  return offset >= start && offset < end;
}

function isBase64(text: string): boolean {
  return text !== '' && Buffer.from(text, 'base64').toString('base64') === text;
}
