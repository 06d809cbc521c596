import { newEvent } from '@maestro/conformance';
import { isFault } from '@maestro/ports';
import { ENVELOPE_BYTES, packEnvelope, unpackEnvelope } from './event-envelope.ts';

const place = { stream: 'execution-a', revision: 7n };
const event = newEvent('é {"a":1}', { sealed: Uint8Array.of(1, 2, 3) });
const raw = { type: event.type, data: packEnvelope(place, event) };
const refused = (p: typeof place, r: { type: string; data: unknown }): boolean => {
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
    for (const each of [newEvent('x'), newEvent(''), newEvent('', { sealed: new Uint8Array(0) })]) {
      expect(unpackEnvelope(place, { type: each.type, data: packEnvelope(place, each) })).toEqual(each);
    }
    expect(raw.data).toHaveLength(ENVELOPE_BYTES + 3 + event.bytes.length);
  });
  it('notices every flipped bit', () => {
    for (let bit = 0; bit < raw.data.length * 8; bit += 1) {
      const data = Uint8Array.from(raw.data);
      data[bit >> 3] = (data[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect([bit, refused(place, { ...raw, data })]).toEqual([bit, true]);
    }
    expect(raw.data.length * 8).toBeGreaterThan(700);
  });
  it('refuses an event of another place or type, one cut short, and one that somebody else wrote', () => {
    expect(refused({ ...place, revision: 8n }, raw)).toBe(true);
    expect(refused({ ...place, stream: 'execution-b' }, raw)).toBe(true);
    expect(refused(place, { ...raw, type: 'execution.requested.v2' })).toBe(true);
    expect(refused(place, { ...raw, data: raw.data.slice(0, 40) })).toBe(true);
    expect(refused(place, { ...raw, data: raw.data.slice(0, -1) })).toBe(true);
    expect(refused(place, { ...raw, data: new Uint8Array(0) })).toBe(true);
    expect(refused(place, { ...raw, data: { a: 1 } })).toBe(true);
  });
  it('takes no id that is not a lower-case UUID', () => {
    expect(() => packEnvelope(place, newEvent('x', { id: 'ABC' }))).toThrow(/lower-case UUID/);
  });
});
