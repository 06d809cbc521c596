import { newEvent, newStream } from '@maestro/conformance';
import type { StoredEvent } from '@maestro/ports';
import { RecentEvents } from './recent-events.ts';

const stream = newStream();
const event = (position: number, sizeBytes = 10): StoredEvent => ({
  ...newEvent(new Uint8Array(sizeBytes)),
  stream,
  revision: BigInt(position - 1),
  cursor: `x.${position}`,
});
const positions = (events: readonly StoredEvent[] | undefined): string[] | undefined =>
  events?.map((e) => e.cursor.slice(2));

describe('RecentEvents', () => {
  it('answers what it keeps, and undefined for what only the disk has', () => {
    const recent = new RecentEvents(7, { countMax: 100, bytesMax: 1e6 });
    expect([recent.first, recent.head, recent.after(7, 10)]).toEqual([8, 7, []]);
    for (const p of [8, 9, 10]) recent.push(event(p));
    expect([recent.first, recent.head]).toEqual([8, 10]);
    expect(positions(recent.after(7, 2))).toEqual(['8', '9']);
    expect(positions(recent.after(9, 10))).toEqual(['10']);
    expect([recent.after(10, 10), recent.after(6, 10)]).toEqual([[], undefined]);
  });
  it('never keeps more than its count, and always the newest', () => {
    const recent = new RecentEvents(0, { countMax: 16, bytesMax: 1e6 });
    for (let p = 1; p <= 1000; p += 1) {
      recent.push(event(p));
      expect(recent.head - recent.first + 1).toBeLessThanOrEqual(16);
      expect(positions(recent.after(p - 1, 5))).toEqual([String(p)]);
    }
  });
  it('never keeps more than its bytes, save one event that is larger', () => {
    const recent = new RecentEvents(0, { countMax: 1000, bytesMax: 10_000 });
    for (let p = 1; p <= 100; p += 1) recent.push(event(p, 1_000));
    expect(recent.head - recent.first + 1).toBeLessThanOrEqual(7);
    recent.push(event(101, 50_000));
    expect([recent.first, recent.head]).toEqual([101, 101]);
    recent.push(event(102));
    expect(positions(recent.after(101, 5))).toEqual(['102']);
  });
  it('hands every reader the same object', () => {
    const recent = new RecentEvents(0, { countMax: 10, bytesMax: 1e6 });
    const stored = event(1);
    recent.push(stored);
    expect(recent.after(0, 1)?.[0]).toBe(stored);
  });
});
