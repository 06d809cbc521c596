import type { Json } from '@maestro/domain';
import { TaskError, definePackage } from '@maestro/worker';
import jsonata from 'jsonata';
import type { DocumentInput } from './document.ts';
import { DOCUMENT_CHOICE, DOCUMENT_PROPERTIES, loadDocument } from './document.ts';

const DEPTH_MAX = 200;
const SEQUENCE_MAX = 1_000_000;
const QUERY_MAX_MS = 30_000;

type QueryInput = DocumentInput & { readonly query: string };

/**
 * Evaluates a JSONata query. Nothing found is `null`. Bounds: 200 levels of evaluation, 30 s (or the attempt's own
 * limit); a pattern that backtracks without end is ended by the limit of the attempt, from outside.
 */
export const query = definePackage<QueryInput, { readonly result: Json }>({
  name: 'pkg:json/query',
  version: '1.0.0',
  description: 'Evaluates a JSONata query over a value or a JSON file of the workspace.',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['query'],
    properties: { query: { type: 'string', minLength: 1, maxLength: 16_384 }, ...DOCUMENT_PROPERTIES },
    oneOf: DOCUMENT_CHOICE,
  },
  outputSchema: { type: 'object', additionalProperties: false, required: ['result'], properties: { result: {} } },
  expectedDurationMs: 20,
  run: async (input, context) => {
    const limits = { timeout: Math.min(QUERY_MAX_MS, context.timeoutMs), stack: DEPTH_MAX, sequence: SEQUENCE_MAX };
    const expression = compile(input.query, limits);
    const document = await loadDocument(input, context);
    return { result: plain(await evaluate(expression, document)) };
  },
});

function compile(text: string, limits: jsonata.JsonataOptions): jsonata.Expression {
  try {
    return jsonata(text, limits);
  } catch (error) {
    const { code, position } = error as jsonata.JsonataError;
    throw new TaskError('QUERY_INVALID', `the query does not parse: ${code} at character ${position}`);
  }
}

async function evaluate(expression: jsonata.Expression, document: Json): Promise<unknown> {
  try {
    return await expression.evaluate(document);
  } catch (error) {
    // D1011, D1012, D2015: depth, time and length of a sequence. Messages may quote the document: only codes are passed on.
    const { code, position } = error as jsonata.JsonataError;
    if (['D1011', 'D1012', 'D2015'].includes(code)) {
      throw new TaskError('QUERY_LIMIT', `the query was stopped at a limit (${code}): depth ${DEPTH_MAX} or time`);
    }
    throw new TaskError(
      'QUERY_FAILED',
      `the query failed: ${String(code ?? 'error')} at character ${String(position ?? 'unknown')}`,
    );
  }
}

// Results carry hidden marks (sequences) and may hold functions; JSON text is what the language itself would print.
function plain(result: unknown): Json {
  return result === undefined ? null : (JSON.parse(JSON.stringify(result) ?? 'null') as Json);
}
