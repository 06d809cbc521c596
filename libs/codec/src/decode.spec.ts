import type { AnyEvent } from '@maestro/contracts';
import { decodeEvent } from './decode.ts';
import { EMPTY_HEAD, prepareCommit, storedForm } from './stored-form.ts';

const cause = {
  tenant: 'default',
  stream: 'execution-01920000-0000-7000-8000-000000000001',
  commandId: 'c'.repeat(64),
  causationId: 'b'.repeat(64),
  correlationId: 'correlation',
  actor: 'user:local',
};
const event: AnyEvent = { type: 'execution.cancel-requested.v1', data: { reason: null, comment: 'Grüße 🌍', graceUntil: '2026-01-05T10:00:00.000Z' } };
const [prepared] = prepareCommit(EMPTY_HEAD, cause, '2026-01-05T10:00:00.000Z', [event]);
const { bytes, recorded } = prepared as NonNullable<typeof prepared>;
const bytesOf = (change: object) => Buffer.from(JSON.stringify({ ...storedForm(recorded), ...change }));
const failure = (stored: Uint8Array) => {
  const decoded = decodeEvent(stored, recorded.hash);
  return decoded.kind === 'failed' ? [decoded.code, decoded.detail] : decoded.kind;
};

describe('stored bytes', () => {
  it('are read back as the event that was prepared', () => {
    expect(decodeEvent(bytes, recorded.hash)).toEqual({ kind: 'decoded', recorded });
  });
  it('that are not UTF-8, or not JSON, are malformed', () => {
    expect(failure(Uint8Array.of(0xff, 0xfe))).toEqual(['EVENT_MALFORMED', expect.stringContaining('not JSON')]);
    expect(failure(bytes.slice(0, -1))).toEqual(['EVENT_MALFORMED', expect.stringContaining('not JSON')]);
    expect(failure(new Uint8Array())).toEqual(['EVENT_MALFORMED', expect.stringContaining('not JSON')]);
  });
  it.each([
    ['a field is missing', { prev: undefined }, 'prev'],
    ['a field is wrong', { revision: -1 }, '/revision'],
    ['there is one field more', { hash: 'x' }, 'additional'],
  ])('are malformed where %s', (_, change, detail) => {
    expect(failure(bytesOf(change))).toEqual(['EVENT_MALFORMED', expect.stringContaining(detail)]);
  });
  it('are malformed where the data does not fit the event; stream and revision are named', () => {
    expect(failure(bytesOf({ data: { reason: null, comment: 1, graceUntil: '2026-01-05T10:00:00.000Z' } }))).toEqual([
      'EVENT_MALFORMED',
      `execution.cancel-requested.v1 at revision 0 of ${cause.stream}: /data/comment must be string`,
    ]);
  });
  it.each(['execution.cancel-requested.v2', 'execution.exploded.v1'])('of %s come from a newer release: the stream is named', (type) => {
    expect(failure(bytesOf({ type }))).toEqual(['EVENT_FROM_NEWER_VERSION', `${type} at revision 0 of ${cause.stream} is not known to this release`]);
  });
});
