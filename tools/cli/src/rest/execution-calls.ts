import type { RestClient } from './client.ts';

const pathOf = (executionId: string): string => `/api/executions/${encodeURIComponent(executionId)}`;

/** Verdict of a run; null: it goes on. AnswerError EXECUTION_NOT_FOUND. */
export async function verdictOf(client: RestClient, executionId: string): Promise<string | null> {
  return (await client.json<{ readonly verdict: string | null }>({ path: pathOf(executionId) })).verdict;
}

/** Asks a run to end; `reason` is an upper-case code. AnswerError EXECUTION_ENDED and others. */
export async function cancelRun(
  client: RestClient,
  executionId: string,
  { reason, comment }: { readonly reason: string | null; readonly comment: string },
): Promise<void> {
  await client.json({ method: 'POST', path: `${pathOf(executionId)}/cancel`, json: { ...(reason === null ? {} : { reason }), comment } });
}

/** Starts a run that goes on from an ended one; the id of the new one. */
export async function resumeRun(client: RestClient, executionId: string): Promise<string> {
  return (await client.json<{ readonly id: string }>({ method: 'POST', path: `${pathOf(executionId)}/resume`, json: {} })).id;
}

/** What an attempt wrote (null: the latest), up to 1 MiB. AnswerError LOG_NOT_FOUND and others. */
export async function taskLog(client: RestClient, executionId: string, taskId: string, attempt: number | null): Promise<string> {
  const query = attempt === null ? '' : `?attempt=${attempt}`;
  const path = `${pathOf(executionId)}/tasks/${encodeURIComponent(taskId)}/log${query}`;
  return new TextDecoder().decode(await client.bytes({ path, accept: 'text/plain' }));
}
