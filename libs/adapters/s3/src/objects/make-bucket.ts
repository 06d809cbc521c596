import { BucketAlreadyOwnedByYou, CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Settings } from '../settings.ts';

/**
 * Makes the bucket with Object Lock, where it is missing: for a cluster of one's own. In production an operator makes it,
 * with rights that no process of the program has. Errors of the SDK pass.
 */
export async function makeLockedBucket({ endpoint, region, bucket, forcePathStyle, credentials }: S3Settings): Promise<void> {
  const s3 = new S3Client({ region, forcePathStyle, ...(endpoint === null ? {} : { endpoint }), ...(credentials === null ? {} : { credentials }) });
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
  } catch (error) {
    const { name } = error as { readonly name?: unknown };
    if (name !== BucketAlreadyOwnedByYou.name && name !== 'BucketAlreadyExists') throw error;
  } finally {
    s3.destroy();
  }
}
