import type { NewEvent } from '@maestro/ports';

/** One append as the writer gets it; `at` is the revision it was decided on, -1 for none. */
export type AppendRequest = { readonly stream: string; readonly at: number; readonly events: readonly NewEvent[] };

/** One event as it arrives at the writer: views into the batch's buffer. */
export type ArrivingEvent = {
  readonly id: string;
  readonly type: string;
  /** 0x00 || bytes, so that hashing needs no copy */
  readonly prefixed: Uint8Array;
  /** 32 bytes, as the caller gave it */
  readonly hash: Uint8Array;
  readonly sealed: Uint8Array | null;
};
export type ArrivingAppend = {
  readonly stream: string;
  readonly at: number;
  readonly events: readonly ArrivingEvent[];
};

/** Many appends in a few flat arrays and one buffer that is handed over, not copied, to the writer's thread. */
export type AppendBatch = {
  readonly kind: 'append';
  readonly streams: readonly string[];
  readonly ats: readonly number[];
  readonly counts: readonly number[];
  readonly ids: readonly string[];
  readonly types: readonly string[];
  /** two per event: bytes, and sealed bytes or -1 for none */
  readonly sizes: readonly number[];
  /** per event: hash (32) || 0x00 || bytes || sealed */
  readonly data: Uint8Array<ArrayBuffer>;
};

const HEAD_BYTES = 33; // hash and prefix

export function packAppends(requests: readonly AppendRequest[]): AppendBatch {
  const ids: string[] = [];
  const types: string[] = [];
  const sizes: number[] = [];
  let total = 0;
  for (const { events } of requests) {
    for (const e of events) total += HEAD_BYTES + e.bytes.length + (e.sealed?.length ?? 0);
  }
  const data = Buffer.allocUnsafeSlow(total);
  let at = 0;
  for (const { events } of requests) {
    for (const e of events) {
      ids.push(e.id);
      types.push(e.type);
      sizes.push(e.bytes.length, e.sealed?.length ?? -1);
      data.fill(0, at, at + HEAD_BYTES);
      data.write(e.hash, at, 32, 'hex');
      data.set(e.bytes, at + HEAD_BYTES);
      at += HEAD_BYTES + e.bytes.length;
      if (e.sealed === null) continue;
      data.set(e.sealed, at);
      at += e.sealed.length;
    }
  }
  const streams = requests.map((r) => r.stream);
  const counts = requests.map((r) => r.events.length);
  return { kind: 'append', streams, ats: requests.map((r) => r.at), counts, ids, types, sizes, data };
}

export function unpackAppends(batch: AppendBatch): ArrivingAppend[] {
  const { data, sizes } = batch;
  let index = 0;
  let at = 0;
  const next = (): ArrivingEvent => {
    const bytesEnd = at + HEAD_BYTES + (sizes[2 * index] ?? 0);
    const sealedBytes = sizes[2 * index + 1] ?? -1;
    const event = {
      id: batch.ids[index] ?? '',
      type: batch.types[index] ?? '',
      hash: data.subarray(at, at + 32),
      prefixed: data.subarray(at + 32, bytesEnd),
      sealed: sealedBytes < 0 ? null : data.subarray(bytesEnd, bytesEnd + sealedBytes),
    };
    index += 1;
    at = bytesEnd + Math.max(0, sealedBytes);
    return event;
  };
  return batch.streams.map((stream, i) => ({
    stream,
    at: batch.ats[i] ?? NaN,
    events: Array.from({ length: batch.counts[i] ?? 0 }, next),
  }));
}
