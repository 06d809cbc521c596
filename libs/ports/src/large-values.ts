import type { Json } from '@maestro/domain';

const KIBIBYTE = 1_024;
const MEBIBYTE = 1_024 * KIBIBYTE;

/** How large values may be, in bytes of canonical JSON unless said otherwise. Larger ones are refused by name, never cut. */
export const VALUE_LIMITS = {
  /** sealed beside its event; a larger one is a blob of its own */
  inlineBytesMax: 64 * KIBIBYTE,
  /** inputs of a run, defaults of the workflow counted: the limit of a request's body */
  inputBytesMax: MEBIBYTE,
  /** output of a task: with its frame it fills a blob of 64 MiB, and a blob is padded to a power of two */
  outputBytesMax: 64 * MEBIBYTE - 128,
  /** what a package declares public of one output: it is copied into the event */
  publicBytesMax: 64 * KIBIBYTE,
  /** of one attempt, expressions resolved */
  argumentBytesMax: MEBIBYTE,
  /** arguments of all tasks of a run together, as policy sees them at its start */
  checkedBytesMax: 4 * MEBIBYTE,
} as const;

/**
 * A large JSON object on its way, as text that whoever only carries it never parses. `bytes`: canonical JSON (RFC 8785)
 * in UTF-8, as its maker says; whoever seals it checks that.
 */
export class UnparsedJson {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** A transport that serialises what carries this sends the whole value. */
  toJSON(): Json {
    return JSON.parse(Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength).toString('utf8')) as Json;
  }
}
