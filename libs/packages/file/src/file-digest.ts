import { createHash } from 'node:crypto';
import type { PackageContext } from '@maestro/worker';
import { openWorkspaceFile } from '@maestro/worker';

/** `digest` = `sha256:<64 hex>` of the bytes of the file. */
export type FileDigest = { readonly path: string; readonly digest: string; readonly sizeBytes: number };

/** JSON Schema of a digest. */
export const DIGEST_SCHEMA = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } as const;

/** Digest of bytes in memory. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Digest of a workspace file of any size, streamed; stops at the signal. */
export async function digestFile(context: PackageContext, path: string): Promise<FileDigest> {
  const file = await openWorkspaceFile(context, path);
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 })) {
      context.signal.throwIfAborted();
      hash.update(chunk as Buffer);
      sizeBytes += (chunk as Buffer).byteLength;
    }
    return { path, digest: `sha256:${hash.digest('hex')}`, sizeBytes };
  } finally {
    await file.close();
  }
}
