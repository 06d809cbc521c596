import type { Json } from '@maestro/domain';
import type { PackageContext } from '@maestro/worker';
import { TaskError, WORKSPACE_PATH_SCHEMA, readWorkspaceFile } from '@maestro/worker';

/** The largest document that is read: parsed, it may take several times as much memory. */
const DOCUMENT_MAX_BYTES = 32 * 1024 * 1024;

/** Exactly one of the two: a value in the manifest, or a workspace file. */
export type DocumentInput = { readonly data?: Json; readonly file?: string };

/** Parts of an input schema that takes a document. */
export const DOCUMENT_PROPERTIES = { data: { description: 'any JSON value' }, file: WORKSPACE_PATH_SCHEMA } as const;
export const DOCUMENT_CHOICE = [{ required: ['data'] }, { required: ['file'] }] as const;

/**
 * The document of a task. A file is read inside the task, so that a large document never becomes a value of the run.
 * Throws TaskError DOCUMENT_INVALID when the file is not JSON, else as `readWorkspaceFile`.
 */
export async function loadDocument(input: DocumentInput, context: PackageContext): Promise<Json> {
  if (input.file === undefined) return input.data as Json;
  const bytes = await readWorkspaceFile(context, input.file, DOCUMENT_MAX_BYTES);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch {
    // The parser's message quotes the document: it is not passed on.
    throw new TaskError('DOCUMENT_INVALID', `"${input.file}" is not a JSON document in UTF-8`);
  }
}
