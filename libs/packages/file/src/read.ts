import { TaskError, WORKSPACE_PATH_SCHEMA, definePackage, readWorkspaceFile } from '@maestro/worker';
import { DIGEST_SCHEMA, digestOf } from './file-digest.ts';

const MAX_BYTES_DEFAULT = 65_536;
/** base64 of this many bytes still fits the 1 MiB that a task may return */
const MAX_BYTES_LIMIT = 700_000;

type ReadInput = { readonly path: string; readonly encoding?: 'utf8' | 'base64'; readonly maxBytes?: number };
type ReadOutput = { readonly text?: string; readonly base64?: string; readonly sizeBytes: number; readonly digest: string };

/** Reads a small workspace file as a value. For a large one use `pkg:file/digest`, or a package that reads it itself. */
export const read = definePackage<ReadInput, ReadOutput>({
  name: 'pkg:file/read',
  version: '1.0.0',
  description: 'Reads a workspace file as UTF-8 text (default) or base64.',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: WORKSPACE_PATH_SCHEMA,
      encoding: { enum: ['utf8', 'base64'], default: 'utf8' },
      maxBytes: { type: 'integer', minimum: 1, maximum: MAX_BYTES_LIMIT, default: MAX_BYTES_DEFAULT },
    },
  },
  outputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['sizeBytes', 'digest'],
    properties: {
      text: { type: 'string' },
      base64: { type: 'string' },
      sizeBytes: { type: 'integer' },
      digest: DIGEST_SCHEMA,
    },
  },
  expectedDurationMs: 10,
  run: async ({ path, encoding = 'utf8', maxBytes = MAX_BYTES_DEFAULT }, context) => {
    const bytes = await readWorkspaceFile(context, path, maxBytes);
    const facts = { sizeBytes: bytes.byteLength, digest: digestOf(bytes) };
    return encoding === 'base64' ? { base64: bytes.toString('base64'), ...facts } : { text: decode(path, bytes), ...facts };
  },
});

// Replacement characters would change the content in silence: other bytes must be asked for as base64.
function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new TaskError('FILE_NOT_TEXT', `"${path}" is not UTF-8; read it with encoding base64`, { cause });
  }
}
