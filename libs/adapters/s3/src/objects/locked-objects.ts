import { ChecksumMode, GetObjectCommand, GetObjectLegalHoldCommand, GetObjectRetentionCommand, HeadObjectCommand, ListObjectVersionsCommand, ObjectLockLegalHoldStatus, ObjectLockMode, PutObjectCommand, PutObjectLegalHoldCommand } from '@aws-sdk/client-s3';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { Fault } from '@maestro/ports';
import { readBody } from './read-body.ts';
import type { S3Calls } from './s3-calls.ts';
import { whenStatus } from './s3-fault.ts';

/** An object to be written once. `digest`: SHA-256 of `bytes`, which no part of `name` may contradict. */
export type NewObject = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly digest: string;
  /** whole seconds: some servers keep no more */
  readonly lockUntil: Date;
  readonly metadata?: Readonly<Record<string, string>>;
};
/** One version of an object, as S3 describes it. `lockUntil` null: not locked. */
export type ObjectVersion = {
  readonly versionId: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly lockUntil: Date | null;
  readonly held: boolean;
};
/** A version by the names that S3 knows. */
export type VersionName = { readonly name: string; readonly versionId: string };

const PAGES_MAX = 20;

/**
 * Objects under Object Lock, named by their content.
 *
 * L1. Every put sends checksum, `If-None-Match: *`, mode COMPLIANCE and a date of its own: a bucket's rule is not trusted.
 * L2. A put is answered once the version that S3 named was looked up: its digest, mode and date are those that were sent.
 * L3. A name that is taken answers its oldest locked version with the same digest, whatever was put over it later.
 * L4. Names hold digests: where a version is gone (a bucket that was copied), any version with the digest stands for it.
 */
export class LockedObjects {
  readonly #calls: S3Calls;
  readonly #listPageMax: number;

  /** `listPageMax`: names of one answer, at most 1,000 */
  constructor(calls: S3Calls, listPageMax = 1_000) {
    this.#calls = calls;
    this.#listPageMax = listPageMax;
  }

  /** Answers the version. The same object again answers the same one. Faults: S3_MISCONFIGURED where the bucket does not keep it. */
  async put(o: NewObject): Promise<string> {
    const versionId = await this.#putOnce(o);
    if (versionId === null) return this.#taken(o);
    if (versionId === undefined) throw notKept(o.name, 'S3 answered without a VersionId, so the bucket is not versioned');
    const found = await this.version({ name: o.name, versionId });
    // a server that loses one of two puts at once: the other one stands for both
    if (found === null) return this.#taken(o);
    if (found.digest !== o.digest || found.sizeBytes !== o.bytes.length) throw notKept(o.name, `version ${versionId} has other bytes than those that were sent`);
    if (found.lockUntil === null || found.lockUntil < o.lockUntil) {
      const until = found.lockUntil?.toISOString() ?? 'no date';
      throw notKept(o.name, `version ${versionId} should be locked (COMPLIANCE) until ${o.lockUntil.toISOString()}, and is until ${until}`);
    }
    return versionId;
  }

  /** What S3 says of one version. Null: there is none. */
  async version({ name, versionId }: VersionName): Promise<ObjectVersion | null> {
    const at = { Bucket: this.#calls.bucket, Key: this.#calls.keyOf(name), VersionId: versionId };
    const head = await this.#calls.call(`looking up ${name}`, 0, (s3, o) =>
      s3.send(new HeadObjectCommand({ ...at, ChecksumMode: ChecksumMode.ENABLED }), o).catch(whenStatus([404], null)),
    );
    if (head === null) return null;
    const sum = head.ChecksumSHA256 ?? '';
    const lock = await this.#lockOf(at, name, head);
    return { versionId, digest: Buffer.from(sum, 'base64').toString('hex'), sizeBytes: head.ContentLength ?? 0, metadata: head.Metadata ?? {}, ...lock };
  }

  /** The version that a reference names, or where it is gone another one with its digest. Null: neither. */
  async resolve(at: VersionName, digest: string): Promise<ObjectVersion | null> {
    return (await this.version(at)) ?? (await this.find(at.name, digest));
  }

  /** The oldest locked version with this digest. Null: none. */
  async find(name: string, digest: string): Promise<ObjectVersion | null> {
    for (const versionId of (await this.versionsUnder(name)).filter((each) => each.name === name).map((each) => each.versionId)) {
      const found = await this.version({ name, versionId });
      if (found?.digest === digest && found.lockUntil !== null) return found;
    }
    return null;
  }

  /** Every version under a prefix of names, those behind a delete marker too; the versions of a name oldest first. */
  async versionsUnder(prefix: string): Promise<readonly VersionName[]> {
    const found: VersionName[] = [];
    let marker: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } = {};
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const at = { Bucket: this.#calls.bucket, Prefix: this.#calls.keyOf(prefix), MaxKeys: this.#listPageMax, ...marker };
      const listed = await this.#calls.call(`listing ${prefix}`, 0, (s3, o) => s3.send(new ListObjectVersionsCommand(at), o));
      for (const { Key, VersionId } of listed.Versions ?? []) {
        const name = this.#calls.nameOf(Key);
        if (name !== undefined && VersionId !== undefined) found.push({ name, versionId: VersionId });
      }
      if (listed.IsTruncated !== true) return found.reverse();
      marker = { KeyMarker: listed.NextKeyMarker ?? '', VersionIdMarker: listed.NextVersionIdMarker ?? '' };
    }
    throw new Fault('S3_MISCONFIGURED', `more than ${PAGES_MAX} pages of versions lie under ${prefix}: something else writes into this prefix of the bucket`);
  }

  /** `length` bytes from `offset`, fewer where the object ends before. Undefined: no such version, or it ends before `offset`. */
  async read({ name, versionId }: VersionName, offset: number, length: number): Promise<Buffer | undefined> {
    // an empty range cannot be asked for
    if (length === 0) return (await this.version({ name, versionId })) === null ? undefined : Buffer.alloc(0);
    const at = { Bucket: this.#calls.bucket, Key: this.#calls.keyOf(name), VersionId: versionId };
    const get = new GetObjectCommand({ ...at, Range: `bytes=${offset}-${offset + length - 1}` });
    return this.#calls.call(`reading ${name}`, length, async (s3, o) => {
      const got = await s3.send(get, o).catch(whenStatus([404, 416], undefined));
      return got === undefined ? undefined : readBody(got.Body, length, o.abortSignal);
    });
  }

  async hold({ name, versionId }: VersionName, on: boolean): Promise<void> {
    const at = { Bucket: this.#calls.bucket, Key: this.#calls.keyOf(name), VersionId: versionId };
    await this.#calls.call(`setting the legal hold of ${name}`, 0, (s3, o) => s3.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: on ? ObjectLockLegalHoldStatus.ON : ObjectLockLegalHoldStatus.OFF } }), o));
  }

  /** Null: the name is taken, or is being taken. Undefined: the bucket has no versions. */
  async #putOnce(o: NewObject): Promise<string | null | undefined> {
    const put = new PutObjectCommand({
      Bucket: this.#calls.bucket,
      Key: this.#calls.keyOf(o.name),
      Body: o.bytes,
      ChecksumSHA256: Buffer.from(o.digest, 'hex').toString('base64'),
      IfNoneMatch: '*',
      ObjectLockMode: ObjectLockMode.COMPLIANCE,
      ObjectLockRetainUntilDate: o.lockUntil,
      Metadata: { ...o.metadata },
    });
    // SigV4 signs the digest of the body: given here, the SDK does not hash a large body in one go
    put.middlewareStack.add(
      (next) => (args) => {
        (args.request as { readonly headers: Record<string, string> }).headers['x-amz-content-sha256'] = o.digest;
        return next(args);
      },
      { step: 'build', name: 'digestOfBody' },
    );
    const answer = await this.#calls.call(`storing ${o.name}`, o.bytes.length, (s3, options) => s3.send(put, options).catch(whenStatus([409, 412], null)));
    return answer === null ? null : answer.VersionId;
  }

  async #taken({ name, digest }: NewObject): Promise<string> {
    const found = await this.find(name, digest);
    if (found !== null) return found.versionId;
    throw notKept(name, 'the name is taken or the version that was acknowledged is gone, and no locked version has the digest');
  }

  /** Head leaves the lock out where the caller may not see it, and some servers for versions that are not the latest. */
  async #lockOf(
    at: { readonly Bucket: string; readonly Key: string; readonly VersionId: string },
    name: string,
    head: HeadObjectCommandOutput,
  ): Promise<Pick<ObjectVersion, 'lockUntil' | 'held'>> {
    if (head.ObjectLockMode !== undefined) {
      const lockUntil = head.ObjectLockMode === ObjectLockMode.COMPLIANCE ? (head.ObjectLockRetainUntilDate ?? null) : null;
      return { lockUntil, held: head.ObjectLockLegalHoldStatus === ObjectLockLegalHoldStatus.ON };
    }
    return this.#calls.call(`looking up the lock of ${name}`, 0, async (s3, o) => {
      const retained = await s3.send(new GetObjectRetentionCommand(at), o).catch(whenNotLocked);
      const held = await s3.send(new GetObjectLegalHoldCommand(at), o).catch(whenNotLocked);
      const lockUntil = retained?.Retention?.Mode === ObjectLockMode.COMPLIANCE ? (retained.Retention.RetainUntilDate ?? null) : null;
      return { lockUntil, held: held?.LegalHold?.Status === ObjectLockLegalHoldStatus.ON };
    });
  }
}

function notKept(name: string, what: string): Fault {
  return new Fault('S3_MISCONFIGURED', `storing ${name}: ${what}; the store needs a bucket with versioning and Object Lock`, { retryable: true });
}

/** AWS says it with 404, others with 400. */
function whenNotLocked(error: unknown): null {
  if ((error as { readonly name?: unknown }).name === 'NoSuchObjectLockConfiguration') return null;
  return whenStatus([404], null)(error);
}
