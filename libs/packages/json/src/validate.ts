import type { JsonObject } from '@maestro/domain';
import { TaskError, definePackage } from '@maestro/worker';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import type { DocumentInput } from './document.ts';
import { DOCUMENT_CHOICE, DOCUMENT_PROPERTIES, loadDocument } from './document.ts';

const ERRORS_MAX = 100;
const MESSAGE_ERRORS_MAX = 3;

type ValidateInput = DocumentInput & { readonly schema: JsonObject | boolean; readonly failOnInvalid?: boolean };
type Problem = { readonly pointer: string; readonly message: string };
type ValidateOutput = { readonly valid: boolean; readonly errorCount: number; readonly errors: readonly Problem[] };

/**
 * Checks a document against a JSON Schema 2020-12. By default an invalid document fails the task with
 * VALIDATION_FAILED; with `failOnInvalid: false` it succeeds and tells. References out of the schema are not followed.
 */
export const validate = definePackage<ValidateInput, ValidateOutput>({
  name: 'pkg:json/validate',
  version: '1.0.0',
  description: 'Validates a value or a JSON file of the workspace against a JSON Schema (2020-12).',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['schema'],
    properties: {
      schema: { type: ['object', 'boolean'] },
      failOnInvalid: { type: 'boolean', default: true },
      ...DOCUMENT_PROPERTIES,
    },
    oneOf: DOCUMENT_CHOICE,
  },
  outputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['valid', 'errorCount', 'errors'],
    properties: {
      valid: { type: 'boolean', 'x-public': true },
      errorCount: { type: 'integer', 'x-public': true },
      errors: {
        type: 'array',
        maxItems: ERRORS_MAX,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['pointer', 'message'],
          properties: { pointer: { type: 'string' }, message: { type: 'string' } },
        },
      },
    },
  },
  expectedDurationMs: 20,
  run: async (input, context) => {
    const check = compile(input.schema);
    const valid = check(await loadDocument(input, context));
    const all = (valid ? [] : (check.errors ?? [])).map(problem);
    if (!valid && input.failOnInvalid !== false) throw invalid(all);
    return { valid, errorCount: all.length, errors: all.slice(0, ERRORS_MAX) };
  },
});

function compile(schema: JsonObject | boolean): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });
  ajvFormats.default(ajv);
  try {
    return ajv.compile(schema as object);
  } catch (error) {
    throw new TaskError('SCHEMA_INVALID', `the schema cannot be used: ${(error as Error).message.slice(0, 500)}`);
  }
}

function problem({ instancePath, message, keyword }: ErrorObject): Problem {
  return { pointer: instancePath, message: message ?? keyword };
}

function invalid(all: readonly Problem[]): TaskError {
  const shown = all
    .slice(0, MESSAGE_ERRORS_MAX)
    .map(({ pointer, message }) => `${pointer === '' ? '(root)' : pointer} ${message}`);
  const more = all.length > shown.length ? `; and ${all.length - shown.length} more` : '';
  return new TaskError('VALIDATION_FAILED', `the document does not fit the schema: ${shown.join('; ')}${more}`);
}
