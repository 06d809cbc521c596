import { CORE_SCHEMA, load } from 'js-yaml';
import { JSON_DEPTH_MAX } from '@maestro/receipt';
import { problem, rejected } from '../problem/problem-error.ts';
import type { ProblemError } from '../problem/problem-error.ts';
import { JSON_CONTAINERS_MAX, JSON_MEMBERS_MAX, YAML_PARTS_MAX, isJsonTooComplex, isYamlTooComplex } from './body-budget.ts';
import { findDuplicateKey } from './json-keys.ts';
import { ParsedBody } from './parsed-body.ts';
import { findPlainJsonFault } from './plain-json.ts';

export const JSON_TYPES = ['application/json'] as const;
export const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'] as const;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * Bytes of a body → value, or a ProblemError. Undefined: the body is empty.
 * Whatever comes out can be carried by canonical JSON and holds no key twice, no alias, no tag beyond YAML's core.
 */
export function parseBody(format: 'json' | 'yaml', bytes: Uint8Array, yamlBytesMax: number): ParsedBody | undefined {
  if (format === 'yaml' && bytes.length > yamlBytesMax) {
    throw problem('BODY_TOO_LARGE', `${bytes.length} bytes of YAML; at most ${yamlBytesMax}: send it as JSON`);
  }
  const text = textOf(bytes);
  if (text.trim() === '') return undefined;
  const value = format === 'json' ? parseJson(text) : parseYaml(text);
  const fault = findPlainJsonFault(value);
  if (fault === undefined) return new ParsedBody(format, text, value);
  const { pointer, code, reason: message } = fault;
  throw rejected({ code: 'INVALID_JSON_VALUE', detail: `the body holds at ${pointer || 'its root'} what is not accepted: ${message}`, errors: [{ pointer, code, message }] });
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw problem('BODY_MALFORMED', 'the body is not UTF-8');
  }
}

function parseJson(text: string): unknown {
  if (isJsonTooComplex(text)) throw problem('BODY_TOO_COMPLEX', `the body holds more than ${JSON_MEMBERS_MAX} members or ${JSON_CONTAINERS_MAX} objects and arrays: send less, or large values as text`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw problem('BODY_MALFORMED', `the body is not JSON: ${(error as Error).message}`);
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate === undefined) return value;
  throw duplicateKey(duplicate.key, text.slice(0, duplicate.offset));
}

function duplicateKey(key: string, before: string): ProblemError {
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  const message = `the key ${key.slice(0, 100)} stands twice in one object`;
  return problem('DUPLICATE_KEY', message, { errors: [{ pointer: '', code: 'DUPLICATE_KEY', message, line, column }] });
}

/** js-yaml's own words where it refuses, with line and column from 1. */
type YamlRefusal = { readonly reason?: unknown; readonly mark?: { readonly line: number; readonly column: number } };

function parseYaml(text: string): unknown {
  if (isYamlTooComplex(text)) throw problem('BODY_TOO_COMPLEX', `the body holds more than ${YAML_PARTS_MAX} lines and separators of YAML: send it as JSON`);
  try {
    return load(text, { schema: CORE_SCHEMA, maxDepth: JSON_DEPTH_MAX, maxAliases: 0, maxTotalMergeKeys: 0 });
  } catch (error) {
    const { reason, mark } = error as YamlRefusal;
    const message = typeof reason === 'string' ? reason : 'the text is not YAML';
    const code = message.startsWith('duplicated mapping key') ? 'DUPLICATE_KEY' : 'BODY_MALFORMED';
    const place = mark === undefined ? {} : { line: mark.line + 1, column: mark.column + 1 };
    throw problem(code, `the body is not usable YAML: ${message}`, { errors: [{ pointer: '', code, message, ...place }] });
  }
}
