import type { RestClient } from '../rest/client.ts';
import { followRun } from '../rest/follow-run.ts';
import type { Screen } from '../screen.ts';
import { Progress } from './progress.ts';

/** Shows a run until it ends: a task tree that is redrawn in place on a terminal, else a line for each event. */
export async function showRun(client: RestClient, executionId: string, screen: Screen, _o: { readonly isPlain: boolean }): Promise<void> {
  const progress = new Progress(screen.paintNote);
  for await (const event of followRun(client, executionId)) {
    const line = progress.line(event);
    if (line !== undefined) screen.note(line);
  }
}
