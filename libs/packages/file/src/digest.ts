import { WORKSPACE_PATH_SCHEMA, definePackage } from '@maestro/worker';
import type { FileDigest } from './file-digest.ts';
import { DIGEST_SCHEMA, digestFile, digestOf } from './file-digest.ts';

type DigestInput = { readonly path?: string; readonly paths?: readonly string[] };
type DigestOutput = { readonly files: readonly FileDigest[]; readonly digest: string; readonly count: number };

/**
 * SHA-256 of workspace files. For one `path`, `digest` is that of the file; for `paths`, it is that of the JSON
 * text, without spaces, of `[[path, digest], …]` in the order given.
 */
export const digest = definePackage<DigestInput, DigestOutput>({
  name: 'pkg:file/digest',
  version: '1.0.0',
  description: 'Computes the SHA-256 of one or many workspace files. The digests are public facts of the run.',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      path: WORKSPACE_PATH_SCHEMA,
      paths: { type: 'array', minItems: 1, maxItems: 500, items: WORKSPACE_PATH_SCHEMA },
    },
    oneOf: [{ required: ['path'] }, { required: ['paths'] }],
  },
  outputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['files', 'digest', 'count'],
    properties: {
      files: {
        'x-public': true,
        type: 'array',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['path', 'digest', 'sizeBytes'],
          properties: { path: { type: 'string' }, digest: DIGEST_SCHEMA, sizeBytes: { type: 'integer' } },
        },
      },
      digest: { ...DIGEST_SCHEMA, 'x-public': true },
      count: { type: 'integer', 'x-public': true },
    },
  },
  expectedDurationMs: 20,
  run: async ({ path, paths }, context) => {
    const files: FileDigest[] = [];
    // One by one: a task is one stream of reads, and the pool is where work runs side by side.
    for (const each of paths ?? [path as string]) files.push(await digestFile(context, each));
    const [only] = files;
    const all =
      paths === undefined && only !== undefined
        ? only.digest
        : digestOf(JSON.stringify(files.map((f) => [f.path, f.digest])));
    return { files, digest: all, count: files.length };
  },
});
