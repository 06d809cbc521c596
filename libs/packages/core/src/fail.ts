import { TASK_ERROR_CODE, TaskError, definePackage } from '@maestro/worker';

type FailInput = { readonly code?: string; readonly message?: string; readonly retryable?: boolean };

/** Always fails, with the code that it was given: for trying out retries, receipts and alerts. */
export const fail = definePackage<FailInput, Record<string, never>>({
  name: 'pkg:core/fail',
  version: '1.0.0',
  description: 'Fails with the given code and message.',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      code: { type: 'string', pattern: TASK_ERROR_CODE.source, default: 'FAILED_ON_PURPOSE' },
      message: { type: 'string', maxLength: 2000 },
      retryable: { type: 'boolean', default: false },
    },
  },
  outputSchema: { type: 'object', additionalProperties: false },
  inline: true,
  expectedDurationMs: 1,
  run: ({ code = 'FAILED_ON_PURPOSE', message = 'this task was asked to fail', retryable = false }) => {
    throw new TaskError(code, message, { retryable });
  },
});
