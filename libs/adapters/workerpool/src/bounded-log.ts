/** Most bytes of a log, its cut mark included. */
export const LOG_MAX_BYTES = 1_048_576;
const CUT_MARK = '\n[log cut at 1 MiB]\n';

/** Text of an attempt in order of arrival, at most `LOG_MAX_BYTES` of UTF-8; what is beyond is dropped, and marked once. */
export class BoundedLog {
  readonly #parts: string[] = [];
  #roomBytes = LOG_MAX_BYTES - Buffer.byteLength(CUT_MARK);
  #cut = false;

  add(text: string): void {
    if (this.#cut || text === '') return;
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes <= this.#roomBytes) {
      this.#roomBytes -= sizeBytes;
      this.#parts.push(text);
      return;
    }
    this.#cut = true;
    // A character cut in two would become U+FFFD: TextDecoder in stream mode holds back the incomplete rest.
    const head = Buffer.from(text.slice(0, this.#roomBytes)).subarray(0, this.#roomBytes);
    this.#parts.push(new TextDecoder().decode(head, { stream: true }), CUT_MARK);
  }

  toString(): string {
    return this.#parts.join('');
  }
}
