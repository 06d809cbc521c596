import { escapePointer } from '@maestro/domain';
import { JSON_DEPTH_MAX } from '@maestro/receipt';
import type { Unrepresentable } from '@maestro/receipt';

/** Places to find on the way, by key. `objectsOnly`: a list is no object, whatever its indexes look like. */
export type Wanted = { readonly name: string | undefined; readonly below: ReadonlyMap<string, Wanted> };
/** Where a value stands in the scanned bytes: from its first byte to behind its last. */
export type ByteRange = { readonly start: number; readonly end: number };

/** A container that is open, and where in it the scan is. */
type Frame = { readonly isList: boolean; key: string; index: number; readonly wanted: Wanted | undefined; readonly name: string | undefined; readonly start: number };
type Expects = 'value' | 'value or end' | 'key' | 'key or end' | 'comma or end' | 'string' | 'nothing';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NOT_CANONICAL = 'text that is not canonical JSON (RFC 8785)';
const SHORT_ESCAPES = new Set([...'"\\bfnrt'].map((char) => char.charCodeAt(0)));
/** control characters that have no short escape */
const LONG_ESCAPE = /^u00(0[0-7be-f]|1[0-9a-f])$/;
const NUMBER = /^-?\d[\d.eE+-]*$/;
const NUMBER_LENGTH_MAX = 32;

/**
 * Checks that bytes are the canonical JSON of a representable value, without making that value, and finds parts of it.
 * S1. What it accepts, `canonicalText(JSON.parse(…))` writes again byte for byte, and `findUnrepresentable` accepts.
 * S2. It may stop after any byte and go on later: a large value is read in slices. Memory: the depth, and one key.
 * The caller checks that the bytes are UTF-8.
 */
export class CanonicalScan {
  /** what was found of the wanted places, by name */
  readonly found = new Map<string, ByteRange>();
  readonly #bytes: Buffer;
  readonly #frames: Frame[] = [];
  readonly #lists: boolean;
  readonly #root: Wanted | undefined;
  #at = 0;
  #expects: Expects = 'value';
  #stringStart = 0;
  #stringIsKey = false;
  #problem: Unrepresentable | undefined;

  /** `throughLists`: indexes of lists count as keys of wanted places. */
  constructor(bytes: Uint8Array, wanted: Wanted | undefined, throughLists: boolean) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#root = wanted;
    this.#lists = throughLists;
  }

  /** Why the bytes were refused. */
  get problem(): Unrepresentable | undefined {
    return this.#problem;
  }

  /** Reads about so many bytes more. True: it is done, well or with a problem. */
  advance(count: number): boolean {
    const until = Math.min(this.#bytes.length, this.#at + count);
    while (this.#at < until && this.#problem === undefined) this.#step(until);
    if (this.#problem === undefined && this.#at === this.#bytes.length && this.#expects !== 'nothing') this.#refuse();
    return this.#problem !== undefined || this.#at === this.#bytes.length;
  }

  #step(until: number): void {
    if (this.#expects === 'string') return this.#readString(until);
    const byte = this.#bytes[this.#at] as number;
    switch (this.#expects) {
      case 'value or end':
        return byte === 0x5d ? this.#close() : this.#readValue(byte);
      case 'value':
        return this.#readValue(byte);
      case 'key or end':
        if (byte === 0x7d) return this.#close();
        return byte === QUOTE ? this.#openString(true) : this.#refuse();
      case 'key':
        return byte === QUOTE ? this.#openString(true) : this.#refuse();
      case 'comma or end':
        return this.#readSeparator(byte);
      default:
        return this.#refuse();
    }
  }

  #readSeparator(byte: number): void {
    const frame = this.#frames.at(-1) as Frame;
    if (byte === (frame.isList ? 0x5d : 0x7d)) return this.#close();
    if (byte !== 0x2c) return this.#refuse();
    this.#at += 1;
    frame.index += 1;
    this.#expects = frame.isList ? 'value' : 'key';
  }

  #readValue(byte: number): void {
    if (this.#frames.length > JSON_DEPTH_MAX) return this.#refuse(`nested deeper than ${JSON_DEPTH_MAX} levels`);
    if (byte === 0x7b || byte === 0x5b) return this.#open(byte === 0x5b);
    if (byte === QUOTE) return this.#openString(false);
    const end = this.#tokenEnd();
    const text = this.#bytes.toString('latin1', this.#at, end);
    const reason = text === 'true' || text === 'false' || text === 'null' ? undefined : reasonAgainstNumber(text);
    if (reason !== undefined) return this.#refuse(reason);
    const start = this.#at;
    this.#at = end;
    this.#ended(this.#wantedHere()?.name, start);
  }

  /** Behind a number or a word; no further than the longest number. */
  #tokenEnd(): number {
    const max = Math.min(this.#bytes.length, this.#at + NUMBER_LENGTH_MAX);
    let end = this.#at + 1;
    while (end < max && this.#bytes[end] !== 0x2c && this.#bytes[end] !== 0x5d && this.#bytes[end] !== 0x7d) end += 1;
    return end;
  }

  #open(isList: boolean): void {
    const wanted = this.#wantedHere();
    this.#frames.push({ isList, key: '', index: 0, wanted: isList && !this.#lists ? undefined : wanted, name: wanted?.name, start: this.#at });
    this.#at += 1;
    this.#expects = isList ? 'value or end' : 'key or end';
  }

  #close(): void {
    this.#at += 1;
    const { name, start } = this.#frames.pop() as Frame;
    this.#ended(name, start);
  }

  #openString(isKey: boolean): void {
    this.#stringStart = this.#at;
    this.#stringIsKey = isKey;
    this.#at += 1;
    this.#expects = 'string';
  }

  #readString(until: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    while (at < until) {
      const byte = bytes[at] as number;
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break;
      at += 1;
    }
    this.#at = at;
    if (at === until) return;
    if (bytes[at] === BACKSLASH) return this.#readEscape();
    if (bytes[at] !== QUOTE) return this.#refuse();
    this.#at += 1;
    if (this.#stringIsKey) return this.#keyEnded();
    this.#ended(this.#wantedHere()?.name, this.#stringStart);
  }

  #readEscape(): void {
    if (SHORT_ESCAPES.has(this.#bytes[this.#at + 1] ?? 0)) {
      this.#at += 2;
      return;
    }
    const text = this.#bytes.toString('latin1', this.#at + 1, this.#at + 6);
    if (LONG_ESCAPE.test(text)) this.#at += 6;
    else this.#refuse(/^ud[89a-f]/.test(text) ? 'a string with a lone surrogate' : NOT_CANONICAL);
  }

  #keyEnded(): void {
    const frame = this.#frames.at(-1) as Frame;
    const key = JSON.parse(this.#bytes.toString('utf8', this.#stringStart, this.#at)) as string;
    if (frame.index > 0 && key <= frame.key) return this.#refuse();
    frame.key = key;
    if (this.#bytes[this.#at] !== 0x3a) return this.#refuse();
    this.#at += 1;
    this.#expects = 'value';
  }

  #ended(name: string | undefined, start: number): void {
    if (name !== undefined) this.found.set(name, { start, end: this.#at });
    this.#expects = this.#frames.length === 0 ? 'nothing' : 'comma or end';
  }

  #wantedHere(): Wanted | undefined {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return this.#root;
    return frame.wanted?.below.get(frame.isList ? String(frame.index) : frame.key);
  }

  #refuse(reason = NOT_CANONICAL): void {
    const pointer = this.#frames.map(({ isList, key, index }) => `/${isList ? String(index) : escapePointer(key)}`).join('');
    this.#problem = { pointer, reason };
  }
}

function reasonAgainstNumber(text: string): string | undefined {
  if (!NUMBER.test(text)) return NOT_CANONICAL;
  const value = Number(text);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return 'an integer of 2^53 or more';
  return String(value) === text ? undefined : NOT_CANONICAL;
}
