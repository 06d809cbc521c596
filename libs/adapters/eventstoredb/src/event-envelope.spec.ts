import { newEvent } from '@maestro/conformance';
import { isFault } from '@maestro/ports';
import { ENVELOPE_BYTES, packEnvelope, unpackEnvelope } from './event-envelope.ts';

const place = { stream: 'execution-a', revision: 7n };
const event = newEvent('é {"a":1}', { sealed: Uint8Array.of(1, 2, 3) });
const raw = { type: event.type, data: event.bytes, metadata: packEnvelope(place, event) };
const refused = (p: typeof place, r: { type: string; data: unknown; metadata?: unknown }): boolean => {
  try {
    unpackEnvelope(p, r);
    return false;
  } catch (error) {
    return isFault(error, 'STORE_DAMAGED') && error.message.includes(`event ${p.revision} of ${p.stream}`);
  }
};

describe('the envelope of an event', () => {
  it('gives back what was packed, with and without sealed bytes', () => {
    expect(unpackEnvelope(place, raw)).toEqual(event);
    const bare = newEvent('x');
    expect(unpackEnvelope(place, { type: bare.type, data: bare.bytes, metadata: packEnvelope(place, bare) })).toEqual(bare);
    const empty = newEvent('', { sealed: new Uint8Array(0) });
    expect(unpackEnvelope(place, { type: empty.type, data: empty.bytes, metadata: packEnvelope(place, empty) })).toEqual(empty);
  });
  it('is an exact Uint8Array that never parses as JSON', () => {
    expect(raw.metadata.constructor).toBe(Uint8Array);
    expect(() => JSON.parse(new TextDecoder().decode(raw.metadata)) as unknown).toThrow();
    expect(raw.metadata).toHaveLength(ENVELOPE_BYTES + 3);
  });
  it('notices every flipped bit of data and metadata', () => {
    let flips = 0;
    for (const part of ['data', 'metadata'] as const) {
      for (let bit = 0; bit < raw[part].length * 8; bit += 1) {
        const bytes = Uint8Array.from(raw[part]);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect([part, bit, refused(place, { ...raw, [part]: bytes })]).toEqual([part, bit, true]);
        flips += 1;
      }
    }
    expect(flips).toBeGreaterThan(700);
  });
  it('refuses an event of another place or type, one cut short, and one that somebody else wrote', () => {
    expect(refused({ ...place, revision: 8n }, raw)).toBe(true);
    expect(refused({ ...place, stream: 'execution-b' }, raw)).toBe(true);
    expect(refused(place, { ...raw, type: 'execution.requested.v2' })).toBe(true);
    expect(refused(place, { ...raw, metadata: raw.metadata.slice(0, 40) })).toBe(true);
    expect(refused(place, { ...raw, metadata: undefined })).toBe(true);
    expect(refused(place, { ...raw, data: { a: 1 } })).toBe(true);
  });
  it('takes no id that is not a lower-case UUID', () => {
    expect(() => packEnvelope(place, newEvent('x', { id: 'ABC' }))).toThrow(/lower-case UUID/);
  });
});
