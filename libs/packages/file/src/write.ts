import type { Json } from '@maestro/domain';
import { WORKSPACE_PATH_SCHEMA, definePackage, writeWorkspaceFile } from '@maestro/worker';
import { DIGEST_SCHEMA, digestOf } from './file-digest.ts';

type WriteInput = { readonly path: string; readonly text?: string; readonly json?: Json };
type WriteOutput = { readonly path: string; readonly digest: string; readonly sizeBytes: number };

/** Writes a workspace file atomically. The same input writes the same bytes, so a repeated attempt does no harm. */
export const write = definePackage<WriteInput, WriteOutput>({
  name: 'pkg:file/write',
  version: '1.0.0',
  description: 'Writes text, or a value as indented JSON with a final newline, to a workspace file, atomically.',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: { path: WORKSPACE_PATH_SCHEMA, text: { type: 'string' }, json: { description: 'any JSON value' } },
    oneOf: [{ required: ['text'] }, { required: ['json'] }],
  },
  outputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['path', 'digest', 'sizeBytes'],
    properties: {
      path: { type: 'string' },
      digest: { ...DIGEST_SCHEMA, 'x-public': true },
      sizeBytes: { type: 'integer', 'x-public': true },
    },
  },
  expectedDurationMs: 20,
  run: async ({ path, text, json }, context) => {
    const bytes = Buffer.from(text ?? `${JSON.stringify(json, null, 2)}\n`, 'utf8');
    await writeWorkspaceFile(context, path, bytes);
    return { path, digest: digestOf(bytes), sizeBytes: bytes.byteLength };
  },
});
