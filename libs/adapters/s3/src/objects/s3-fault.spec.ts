import { Fault } from '@maestro/ports';
import { s3Fault, whenStatus } from './s3-fault.ts';

const answered = (httpStatusCode: number, name = 'SomeError'): object => ({ name, message: 'text', $metadata: { httpStatusCode } });

describe('faults of S3', () => {
  it.each([
    ['no answer', { name: 'TimeoutError', message: 'late', $metadata: {} }, 'S3_UNAVAILABLE', true],
    ['a refused connection', { name: 'Error', code: 'ECONNREFUSED', message: 'connect' }, 'S3_UNAVAILABLE', true],
    ['500', answered(500, 'InternalError'), 'S3_UNAVAILABLE', true],
    ['503', answered(503, 'SlowDown'), 'S3_UNAVAILABLE', true],
    ['429', answered(429), 'S3_UNAVAILABLE', true],
    ['501', answered(501, 'NotImplemented'), 'S3_MISCONFIGURED', false],
    ['400', answered(400, 'InvalidRequest'), 'S3_MISCONFIGURED', false],
    ['404', answered(404, 'NoSuchBucket'), 'S3_MISCONFIGURED', false],
    ['403', answered(403, 'AccessDenied'), 'S3_DENIED', false],
    ['an access key that nobody has', answered(404, 'InvalidAccessKeyId'), 'S3_DENIED', false],
    ['a session that is over', answered(400, 'ExpiredToken'), 'S3_DENIED', false],
    ['a clock that is off', answered(403, 'RequestTimeTooSkewed'), 'S3_DENIED', true],
    ['no credentials', { name: 'CredentialsProviderError', message: 'none' }, 'S3_DENIED', false],
  ])('%s', (_, error, code, retryable) => {
    expect(s3Fault(error, 'storing x')).toMatchObject({ name: 'Fault', code, retryable, message: expect.stringContaining('storing x') as string });
  });

  it('leave faults and bugs as they are', () => {
    const fault = new Fault('EVIDENCE_EXISTS', 'x');
    expect(s3Fault(fault, 'storing')).toBe(fault);
    const bug = new RangeError('x');
    expect(s3Fault(bug, 'storing')).toBe(bug);
  });

  it('are values where a status was expected', () => {
    expect(whenStatus([404], null)(answered(404))).toBeNull();
    expect(() => whenStatus([404], null)(answered(403))).toThrow();
    expect(() => whenStatus([404], null)(answered(404, 'InvalidAccessKeyId'))).toThrow();
  });
});
