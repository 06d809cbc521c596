import type { JsonObject, Problem } from '@maestro/domain';
import type { TaskPackages } from '@maestro/ports';
import { checkManifestDocument } from '@maestro/runtime';
import { parseBody } from '../http/body-parser.ts';
import type { ParsedBody } from '../http/parsed-body.ts';
import { positionsOf } from '../http/source-positions.ts';
import { PROBLEM_ITEMS_MAX } from '../problem/problem-document.ts';
import { problem, rejected } from '../problem/problem-error.ts';
import type { ProblemItem } from '../problem/problem-error.ts';
import { API_DEFAULTS } from '../settings.ts';

/**
 * Bytes → a manifest that can be saved, planned and run, by the rules of `POST /api/workflows` and without a server.
 * Throws its ProblemError: BODY_MALFORMED, DUPLICATE_KEY and others of a body, or MANIFEST_INVALID with every problem.
 */
export function readManifest(format: 'json' | 'yaml', bytes: Uint8Array, packages: TaskPackages): JsonObject {
  const { bodyBytesMax, yamlBytesMax } = API_DEFAULTS;
  if (bytes.length > bodyBytesMax) throw problem('BODY_TOO_LARGE', `${bytes.length} bytes; at most ${bodyBytesMax}`);
  const document = parseBody(format, bytes, yamlBytesMax);
  if (document === undefined) throw problem('BODY_REQUIRED', 'the manifest is empty');
  return checkedManifest(document, packages);
}

/** The manifest that a parsed text holds. Throws MANIFEST_INVALID, each problem with line and column. */
export function checkedManifest({ value, text }: ParsedBody, packages: TaskPackages): JsonObject {
  const problems = checkManifestDocument(value, packages);
  if (problems.length === 0) return value as JsonObject;
  const detail = `the manifest has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  throw rejected({ code: 'MANIFEST_INVALID', detail, errors: placed(problems, text) });
}

/** Each problem with line and column, as far as they will be shown. */
function placed(problems: readonly Problem[], text: string): readonly ProblemItem[] {
  const shown = problems.slice(0, PROBLEM_ITEMS_MAX);
  const positions = positionsOf(text, shown.map(({ pointer }) => pointer));
  return problems.map((problem) => ({ ...problem, ...positions.get(problem.pointer) }));
}
