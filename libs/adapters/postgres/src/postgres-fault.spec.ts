import { Fault, isFault } from '@maestro/ports';
import { isConnectionLoss, isContention, postgresFault, unknownOutcome } from './postgres-fault.ts';

const error = (code: string, message = 'as the server says it'): Error => Object.assign(new Error(message), { code });
const codeOf = (thrown: unknown): unknown => (isFault(thrown) ? [thrown.code, thrown.retryable] : thrown);

describe('errors of Postgres', () => {
  it.each([
    ['53100', 'STORE_READ_ONLY', true],
    ['53200', 'STORE_READ_ONLY', true],
    ['25006', 'STORE_READ_ONLY', true],
    ['40001', 'STORE_READ_ONLY', true],
    ['40P01', 'STORE_READ_ONLY', true],
    ['55P03', 'STORE_READ_ONLY', true],
    ['57014', 'STORE_READ_ONLY', true],
    ['58030', 'STORE_READ_ONLY', true],
    ['53300', 'STORE_UNAVAILABLE', true],
    ['57P01', 'STORE_UNAVAILABLE', true],
    ['57P03', 'STORE_UNAVAILABLE', true],
    ['08006', 'STORE_UNAVAILABLE', true],
    ['3D000', 'STORE_UNAVAILABLE', true],
    ['ECONNREFUSED', 'STORE_UNAVAILABLE', true],
    ['28P01', 'STORE_DENIED', false],
    ['28000', 'STORE_DENIED', false],
    ['XX001', 'STORE_DAMAGED', false],
    ['42P01', 'STORE_DAMAGED', false],
  ])('%s is %s, which may pass: %s', (code, fault, retryable) => {
    expect(codeOf(postgresFault(error(code), 'testing'))).toEqual([fault, retryable]);
  });

  it.each([
    'Connection terminated unexpectedly',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
  ])('the driver says "%s" without a code: the connection is lost', (message) => {
    expect(isConnectionLoss(new Error(message))).toBe(true);
    expect(codeOf(postgresFault(new Error(message), 'testing'))).toEqual(['STORE_UNAVAILABLE', true]);
  });

  it('say what was tried, and keep the error as their cause', () => {
    const cause = error('53100', 'could not extend file');
    const fault = postgresFault(cause, 'applying rows') as Fault;
    expect(fault.message).toBe(
      'STORE_READ_ONLY: applying rows: the disk of Postgres is full: free space there; nothing was written, try again (53100: could not extend file)',
    );
    expect(fault.cause).toBe(cause);
    expect(unknownOutcome(new Error('gone'), 'applying rows')).toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN', retryable: true });
  });

  it('pass as they are where they are faults already, or bugs', () => {
    const [fault, bug] = [new Fault('STATE_MOVED', 'moved'), error('42601', 'syntax error')];
    expect([postgresFault(fault, 'testing'), postgresFault(bug, 'testing')]).toEqual([fault, bug]);
    expect([isConnectionLoss(bug), isContention(bug), isContention(error('40P01')), isConnectionLoss(null)]).toEqual([false, false, true, false]);
  });
});
