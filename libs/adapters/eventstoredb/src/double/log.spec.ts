import { randomUUID } from 'node:crypto';
import { ANY, NO_STREAM, STREAM_EXISTS } from './append-check.ts';
import { EventLog } from './log.ts';
import type { Proposed } from './log-record.ts';
import { TOMBSTONE_REVISION, statusOf, visible } from './stream-metadata.ts';

const event = (id: string = randomUUID()): Proposed => ({
  id,
  type: 'a',
  isJson: false,
  data: Uint8Array.of(1),
  metadata: new Uint8Array(0),
});
const metadata = (json: string): Proposed => ({ ...event(), type: '$metadata', isJson: true, data: new TextEncoder().encode(json) });
const revisions = (log: EventLog, stream: string): number[] => visible(log, stream).map((r) => Number(r.revision));

describe('the log of the double, as the server’s source describes it', () => {
  it('numbers events densely, and gives the position of the last one of a commit', () => {
    const log = new EventLog();
    const first = log.append('s', NO_STREAM, [event(), event()]);
    expect(first).toEqual({ kind: 'done', revision: 1n, position: log.records[1]?.position });
    expect(log.append('s', 1n, [event()])).toMatchObject({ kind: 'done', revision: 2n });
    const positions = log.records.map((r) => r.position);
    expect(positions).toEqual([...positions].sort((a, b) => Number(a - b)));
    expect(new Set(positions).size).toBe(3);
  });
  it('compares ids at the expected place only, and never bytes', () => {
    const log = new EventLog();
    const events = [event(), event()];
    const first = log.append('s', NO_STREAM, events);
    expect(log.append('s', NO_STREAM, events)).toEqual(first);
    expect(log.append('s', NO_STREAM, events.map((e) => ({ ...e, data: Uint8Array.of(9) })))).toEqual(first);
    expect(log.append('s', NO_STREAM, [...events, event()])).toEqual({ kind: 'wrong-version', current: 1n });
    expect(log.append('s', NO_STREAM, [event()])).toEqual({ kind: 'wrong-version', current: 1n });
    expect(log.append('s', 7n, [event()])).toEqual({ kind: 'wrong-version', current: 1n });
  });
  it('writes the same id again at the head: that is not idempotent', () => {
    const log = new EventLog();
    const twice = event();
    log.append('s', NO_STREAM, [twice]);
    expect(log.append('s', 0n, [twice])).toMatchObject({ kind: 'done', revision: 1n });
  });
  it('at `any` knows the latest ids of the stream', () => {
    const log = new EventLog();
    const events = [event(), event()];
    const first = log.append('s', ANY, events);
    expect(log.append('s', ANY, events)).toEqual(first);
    expect(log.append('s', ANY, [events[0] ?? event(), event()])).toEqual({ kind: 'wrong-version', current: 1n });
    expect(log.append('s', ANY, [event()])).toMatchObject({ revision: 2n });
    expect(log.append('other', STREAM_EXISTS, [event()])).toEqual({ kind: 'wrong-version', current: -1n });
    log.append('$$other', ANY, [metadata('{"$maxCount":1}')]);
    expect(log.append('other', STREAM_EXISTS, [event()])).toMatchObject({ revision: 0n });
  });
  it('hides a softly deleted stream, and goes on with its numbers', () => {
    const log = new EventLog();
    expect(log.delete('s', ANY, { hard: false })).toEqual({ kind: 'wrong-version', current: -1n });
    log.append('s', NO_STREAM, [event(), event()]);
    expect(log.delete('s', 5n, { hard: false })).toEqual({ kind: 'wrong-version', current: 1n });
    log.delete('s', 1n, { hard: false });
    expect(statusOf(log, 's')).toBe('missing');
    expect(log.append('s', STREAM_EXISTS, [event()])).toEqual({ kind: 'deleted' });
    expect(log.append('s', NO_STREAM, [event()])).toMatchObject({ kind: 'done', revision: 2n });
    expect([statusOf(log, 's'), revisions(log, 's')]).toEqual(['there', [2]]);
    expect(log.records.filter((r) => r.stream === 's')).toHaveLength(3);
  });
  it('never opens a tombstoned stream again', () => {
    const log = new EventLog();
    log.append('s', NO_STREAM, [event()]);
    log.delete('s', ANY, { hard: true });
    expect([statusOf(log, 's'), log.lastRevision('s')]).toEqual(['deleted', TOMBSTONE_REVISION]);
    for (const expected of [NO_STREAM, 0n, ANY]) expect(log.append('s', expected, [event()])).toEqual({ kind: 'deleted' });
    expect(log.delete('s', ANY, { hard: true })).toEqual({ kind: 'deleted' });
  });
  it('truncates stream reads by count, by revision and by age, and the order of all events never', () => {
    const log = new EventLog();
    log.append('s', NO_STREAM, [event(), event(), event(), event()]);
    log.append('$$s', ANY, [metadata('{"$maxCount":3}')]);
    expect(revisions(log, 's')).toEqual([1, 2, 3]);
    log.append('$$s', ANY, [metadata('{"$tb":2}')]);
    expect(revisions(log, 's')).toEqual([2, 3]);
    log.append('$$s', ANY, [metadata('{"$maxAge":1000}')]);
    expect(revisions(log, 's')).toEqual([0, 1, 2, 3]);
    log.append('$$s', ANY, [metadata('no JSON')]);
    expect(revisions(log, 's')).toEqual([0, 1, 2, 3]);
    expect(visible(log, '$$s')).toHaveLength(1);
    expect(log.records).toHaveLength(8);
  });
});
