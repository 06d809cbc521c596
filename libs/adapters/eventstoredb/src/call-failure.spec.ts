import { CallFailure, faultOf, toCallFailure } from './call-failure.ts';

describe('a failed call', () => {
  it.each([
    [{ type: 'wrong-expected-version', actualVersion: 4n }, 'wrong-version'],
    [{ type: 'stream-deleted', code: 9 }, 'stream-deleted'],
    [{ type: 'not-leader', code: 5 }, 'not-leader'],
    [{ type: 'access-denied' }, 'denied'],
    [{ code: 16, message: 'no type, as the client passes some errors on' }, 'denied'],
    [{ code: 8 }, 'too-large'],
    [{ type: 'unknown', message: 'Could not recognize MaximumAppendEventSizeExceeded' }, 'too-large'],
    [{ type: 'unavailable', code: 14 }, 'unavailable'],
    [{ type: 'cancelled', code: 1 }, 'unavailable'],
    [{ type: 'deadline-exceeded', code: 4 }, 'unavailable'],
    [new Error('Failed to discover after 10 attempts.'), 'unavailable'],
    [undefined, 'unavailable'],
  ] as const)('%j is %s', (error, kind) => expect(toCallFailure(error).kind).toBe(kind));
  it('keeps where the stream stands, and is not wrapped twice', () => {
    const failure = toCallFailure({ type: 'wrong-expected-version', actualVersion: 4n });
    expect(failure.actual).toBe(4n);
    expect(toCallFailure({ type: 'wrong-expected-version', actualVersion: 'no_stream' }).actual).toBeUndefined();
    expect(toCallFailure(failure)).toBe(failure);
  });
  it.each([
    ['aborted', 'ABORTED', false],
    ['closed', 'STORE_CLOSED', false],
    ['denied', 'STORE_DENIED', false],
    ['stream-deleted', 'STORE_DAMAGED', false],
    ['invalid', 'CURSOR_INVALID', false],
    ['too-large', 'COMMIT_TOO_LARGE', false],
    ['timed-out', 'STORE_UNAVAILABLE', true],
    ['not-leader', 'STORE_UNAVAILABLE', true],
  ] as const)('of kind %s becomes %s', (kind, code, retryable) => {
    const fault = faultOf(new CallFailure(kind, new Error('said')), 'reading');
    expect([fault.code, fault.retryable]).toEqual([code, retryable]);
    expect(fault.message).toContain('reading');
  });
});
