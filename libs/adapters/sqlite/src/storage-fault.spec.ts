import { Fault, isFault } from '@maestro/ports';
import { leavesFrames, plainFault, reading, toFault, unknownOutcome } from './storage-fault.ts';

const sqlite = (errcode: number, message = 'disk I/O error'): Error => Object.assign(new Error(message), { errcode });

describe('errors of the database', () => {
  it.each([13, 1034, 4874, 778, 10, 5, 8])('makes code %i a retryable STORE_READ_ONLY', (errcode) => {
    expect(plainFault(sqlite(errcode))).toMatchObject({ code: 'STORE_READ_ONLY', retryable: true });
  });
  it.each([11, 26, 19, 267, 1, 522])('makes code %i STORE_DAMAGED', (errcode) => {
    expect(plainFault(sqlite(errcode))).toMatchObject({ code: 'STORE_DAMAGED', retryable: false });
  });
  it('says what the disk said, and what to do', () => {
    const { detail } = plainFault(sqlite(13, 'database or disk is full'));
    expect(detail).toContain('SQLite 13: database or disk is full');
    expect(detail).toContain('free space');
    expect(plainFault(new Error('EIO: i/o error')).detail).toContain('(EIO: i/o error)');
  });
  it('knows which failures leave the outcome open, and does not claim that nothing was written', () => {
    expect([1034, 1290, 4874, 5386, 778, 13].map((c) => leavesFrames(sqlite(c)))).toEqual([true, true, true, true, false, false]);
    const fault = unknownOutcome(sqlite(1034));
    expect([fault.code, fault.retryable]).toEqual(['STORE_OUTCOME_UNKNOWN', true]);
    expect(fault.detail).not.toContain('nothing was written');
  });
  it('keeps a fault as it is, across the threads and back', () => {
    const fault = new Fault('STORE_BEHIND_MARK', 'events 3 to 5 are missing');
    expect(toFault(plainFault(fault))).toMatchObject({ message: fault.message, code: fault.code, retryable: false });
    expect(() =>
      reading(() => {
        throw fault;
      }),
    ).toThrow(fault);
  });
  it('turns an error while reading into a fault with its cause', () => {
    const cause = sqlite(11, 'database disk image is malformed');
    const caught: unknown = (() => {
      try {
        return reading(() => {
          throw cause;
        });
      } catch (error) {
        return error;
      }
    })();
    expect(isFault(caught, 'STORE_DAMAGED') && caught.cause).toBe(cause);
  });
});
