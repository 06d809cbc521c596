export { makeLockedBucket } from './objects/make-bucket.ts';
export { S3EvidenceStore } from './s3-evidence-store.ts';
export { parseS3Settings } from './settings.ts';
export type { S3Credentials, S3Settings, S3SettingsInput } from './settings.ts';
