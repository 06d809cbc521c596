import { validateManifestV1 } from '@maestro/contracts';
import { MANIFEST_LIMITS, checkManifest, escapePointer } from '@maestro/domain';
import type { Problem } from '@maestro/domain';
import type { TaskPackages } from '@maestro/ports';
import { findUnrepresentable } from '@maestro/receipt';
import { findPackageIn } from './manifest-source.ts';

/** What a compiled schema says of one violation. */
type SchemaError = {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: object;
  readonly message?: string | undefined;
};

/**
 * Every problem of a parsed document that should be a manifest: values that canonical JSON cannot carry, size, schema,
 * then (only where the schema is satisfied) meaning. Empty: it can be saved, planned and run. Never throws for a document.
 */
export function checkManifestDocument(value: unknown, packages: TaskPackages): readonly Problem[] {
  const excess = excessOf(value);
  if (excess !== undefined) return [excess];
  const unrepresentable = findUnrepresentable(value);
  if (unrepresentable !== undefined) {
    return [{ pointer: unrepresentable.pointer, code: 'INVALID_JSON_VALUE', message: unrepresentable.reason }];
  }
  if (!validateManifestV1(value)) return schemaProblems(validateManifestV1.errors ?? []);
  return checkManifest(value, findPackageIn(packages));
}

/** Schema violations as problems; a missing or unknown property is named in the pointer. */
function schemaProblems(errors: readonly SchemaError[]): readonly Problem[] {
  return errors.map((error) => ({ pointer: pointerOf(error), code: 'SCHEMA', message: messageOf(error) }));
}

function pointerOf({ instancePath, params }: SchemaError): string {
  const { additionalProperty: name } = params as { readonly additionalProperty?: unknown };
  return typeof name === 'string' ? `${instancePath}/${escapePointer(name)}` : instancePath;
}

function messageOf({ keyword, params, message }: SchemaError): string {
  const { allowedValues } = params as { readonly allowedValues?: readonly unknown[] };
  if (keyword === 'additionalProperties') return 'unknown field; remove it';
  return keyword === 'enum' && allowedValues !== undefined ? `must be one of ${allowedValues.join(', ')}` : (message ?? 'does not fit the schema');
}

/** Bounds first: what is too large is not looked at any further. */
function excessOf(value: unknown): Problem | undefined {
  const sizeBytes = sizeOf(value);
  if (sizeBytes > MANIFEST_LIMITS.bytesMax) {
    return { pointer: '', code: 'MANIFEST_TOO_LARGE', message: `${sizeBytes} bytes as canonical JSON; at most ${MANIFEST_LIMITS.bytesMax}` };
  }
  const tasks = value !== null && typeof value === 'object' ? (value as { readonly tasks?: unknown }).tasks : undefined;
  if (!Array.isArray(tasks) || tasks.length <= MANIFEST_LIMITS.tasksMax) return undefined;
  return { pointer: '/tasks', code: 'TOO_MANY_TASKS', message: `${tasks.length} tasks; at most ${MANIFEST_LIMITS.tasksMax}` };
}

/** Bytes as JSON: the same number as canonical JSON, whose order of keys alone differs. */
function sizeOf(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value) ?? '');
  } catch {
    return 0; // nested too deeply to be written, which the next check names
  }
}
