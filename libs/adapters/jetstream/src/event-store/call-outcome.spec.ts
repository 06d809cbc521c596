import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { Disconnected } from '../connection/connection-watch.ts';
import { faultOf, outcomeOf } from './call-outcome.ts';

const refused = (code: number): Error => new JetStreamApiError({ code: 400, err_code: code, description: 'as the server says' });

describe('outcomeOf', () => {
  it.each([
    [10_071, 'conflict'],
    [10_164, 'nothing'],
    [10_158, 'nothing'],
    [10_009, 'nothing'],
    [10_008, 'nothing'],
    [10_005, 'nothing'],
    [10_167, 'nothing'],
    [10_059, 'nothing'],
    [10_077, 'full'],
    [10_047, 'full'],
    [10_054, 'too-large'],
    [10_060, 'fatal'],
  ])('of the code %i is %s', (code, outcome) => expect(outcomeOf(refused(code))).toBe(outcome));
  it.each([
    [new errors.TimeoutError(), 'unknown'],
    [new Disconnected('lost'), 'unknown'],
    [new Error('anything'), 'unknown'],
    ['no error at all', 'unknown'],
    [new errors.NoRespondersError('a'), 'nothing'],
    [new errors.ClosedConnectionError(), 'closed'],
    [new errors.PermissionViolationError('no', 'publish', 'a'), 'denied'],
    [new errors.RequestError('no', { cause: new errors.PermissionViolationError('no', 'publish', 'a') }), 'denied'],
  ])('of %s is %s', (error, outcome) => expect(outcomeOf(error)).toBe(outcome));
});

describe('faultOf', () => {
  it.each([
    [refused(10_077), 'STORE_READ_ONLY', true],
    [refused(10_054), 'COMMIT_TOO_LARGE', false],
    [new errors.PermissionViolationError('no', 'publish', 'a'), 'STORE_DENIED', false],
    [new errors.ClosedConnectionError(), 'STORE_CLOSED', false],
    [refused(10_060), 'STORE_UNAVAILABLE', true],
  ])('of %s is %s', (error, code, retryable) => expect(faultOf(error, 'appending')).toMatchObject({ code, retryable }));
});
