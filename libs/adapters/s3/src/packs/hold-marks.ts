import { createHash } from 'node:crypto';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { PackLocation } from '../evidence-names.ts';
import type { S3Calls } from '../objects/s3-calls.ts';

const EMPTY_DIGEST = createHash('sha256').digest('base64');

/**
 * Which items of a pack are held: one empty object each. They only say for whom; what protects the bytes is the legal hold of
 * the pack itself, so that somebody who removes a mark removes no protection.
 */
export class HoldMarks {
  readonly #calls: S3Calls;

  constructor(calls: S3Calls) {
    this.#calls = calls;
  }

  async set(location: PackLocation, on: boolean): Promise<void> {
    const at = { Bucket: this.#calls.bucket, Key: this.#calls.keyOf(markName(location)) };
    await this.#calls.call(`${on ? 'marking' : 'unmarking'} a held item of ${location.pack}`, 0, async (s3, o) => {
      await (on ? s3.send(new PutObjectCommand({ ...at, Body: new Uint8Array(), ChecksumSHA256: EMPTY_DIGEST }), o) : s3.send(new DeleteObjectCommand(at), o));
    });
  }

  has(location: PackLocation): Promise<boolean> {
    return this.#any(markName(location));
  }

  anyOf(pack: string): Promise<boolean> {
    return this.#any(markPrefix(pack));
  }

  async #any(prefix: string): Promise<boolean> {
    const at = { Bucket: this.#calls.bucket, Prefix: this.#calls.keyOf(prefix), MaxKeys: 1 };
    const listed = await this.#calls.call(`listing ${prefix}`, 0, (s3, o) => s3.send(new ListObjectsV2Command(at), o));
    return (listed.Contents ?? []).length > 0;
  }
}

function markPrefix(pack: string): string {
  return `holds/${pack}/`;
}
// the name ends in a letter: no mark's name begins another's
function markName({ pack, offset, length }: PackLocation): string {
  return `${markPrefix(pack)}${offset}-${length}h`;
}
