import { inspect } from 'node:util';
import type { Json } from '@maestro/domain';
import type { PackageContext, TaskPackage } from '@maestro/worker';
import { TASK_ERROR_CODE, isTaskError } from '@maestro/worker';
import type { Answer } from './attempt-ending.ts';
import { failed } from './attempt-ending.ts';
import type { OutputLimits } from './child-protocol.ts';
import { jsonText } from './json-text.ts';

/** Runs a package in this process. Never rejects: whatever the package throws or returns becomes an answer. */
export async function execute(taskPackage: TaskPackage, input: Json, context: PackageContext, limits: OutputLimits): Promise<Answer> {
  try {
    return await answerOf(taskPackage, await taskPackage.run(input, context), limits);
  } catch (error) {
    return failureOf(error, context.log);
  }
}

async function answerOf(taskPackage: TaskPackage, output: Json, { largeBytes, maxBytes }: OutputLimits): Promise<Answer> {
  let text: string;
  try {
    text = jsonText(output);
  } catch (error) {
    return failed('INVALID_JSON_VALUE', `the output of the package is not JSON: ${(error as Error).message}`, false);
  }
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > maxBytes) return failed('OUTPUT_TOO_LARGE', `the output has ${sizeBytes} bytes of JSON; this package may return ${maxBytes}`, false);
  if (sizeBytes <= largeBytes) return { kind: 'output', text };
  text = '';
  const { largeOutput } = await import('./large-output.ts');
  return largeOutput(taskPackage, output);
}

/**
 * What was thrown, as a failure. Only a TaskError speaks to the outside; the text of any other error may hold values
 * of the user, so it goes to the log, which is sealed.
 */
function failureOf(error: unknown, log: (text: string) => void): Answer {
  if (isTaskError(error) && TASK_ERROR_CODE.test(error.code)) return failed(error.code, error.message, error.retryable);
  log(describe(error));
  return failed('PACKAGE_FAILED', 'the package threw an unexpected error; its log tells more', true);
}

/** Stack if there is one. Never throws, whatever was thrown: objects without a prototype, getters that throw. */
export function describe(error: unknown): string {
  try {
    const stack = (error as { stack?: unknown } | null | undefined)?.stack;
    return typeof stack === 'string' ? stack : inspect(error, { customInspect: false });
  } catch {
    return 'something was thrown that cannot be described';
  }
}
