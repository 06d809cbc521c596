import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { Fault } from '@maestro/ports';
import type { S3Calls } from './s3-calls.ts';
import { whenStatus } from './s3-fault.ts';

/** Refuses a bucket that cannot keep evidence. Faults: S3_MISCONFIGURED, S3_DENIED, S3_UNAVAILABLE. */
export async function checkBucket(calls: S3Calls): Promise<void> {
  const Bucket = calls.bucket;
  const asked = <T>(work: Parameters<typeof calls.call<T>>[2]): Promise<T> => calls.call(`looking at bucket ${Bucket}`, 0, work);
  const versioning = await asked((s3, o) => s3.send(new GetBucketVersioningCommand({ Bucket }), o).catch(whenStatus([404], null)));
  if (versioning === null) throw new Fault('S3_MISCONFIGURED', `there is no bucket ${Bucket}; make it with Object Lock`);
  if (versioning.Status !== 'Enabled') throw unfit(Bucket, `versioning is ${versioning.Status ?? 'off'}`);
  // a bucket without a configuration answers 404
  const lock = await asked((s3, o) => s3.send(new GetObjectLockConfigurationCommand({ Bucket }), o).catch(whenStatus([404], null)));
  if (lock?.ObjectLockConfiguration?.ObjectLockEnabled !== 'Enabled') throw unfit(Bucket, 'Object Lock is off');
}

function unfit(bucket: string, what: string): Fault {
  return new Fault('S3_MISCONFIGURED', `bucket ${bucket}: ${what}, so what is stored could be replaced or deleted; use a bucket that was made with Object Lock`);
}
