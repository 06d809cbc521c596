import { FINAL_ROWS_MAX, TaskTree } from '../live/task-tree.ts';
import type { Terminal } from '../live/terminal.ts';
import type { RestClient } from '../rest/client.ts';
import { followRun } from '../rest/follow-run.ts';
import type { Screen } from '../screen.ts';
import { Progress } from './progress.ts';
import type { ProgressEvent } from './progress.ts';

/** Milliseconds between two frames: smooth enough for tenths of a second. */
const FRAME_MS = 100;

/** Shows a run until it ends: a task tree that is redrawn in place on a terminal, else a line for each event. */
export function showRun(
  client: RestClient,
  executionId: string,
  screen: Screen,
  { isPlain }: { readonly isPlain: boolean },
): Promise<void> {
  const events = followRun(client, executionId);
  const { terminal } = screen;
  return isPlain || terminal === undefined ? showLines(events, screen) : showTree(events, terminal, screen, everyFrame);
}

/** Tells of every event in a line, for logs and pipes. */
export async function showLines(events: AsyncIterable<ProgressEvent>, screen: Screen): Promise<void> {
  const progress = new Progress(screen.paintNote);
  for await (const event of events) {
    const line = progress.line(event);
    if (line !== undefined) screen.note(line);
  }
}

/** Redraws the tree with every tick and change of size; what it ends with stays, also where it is interrupted. */
export async function showTree(
  events: AsyncIterable<ProgressEvent>,
  terminal: Terminal,
  screen: Screen,
  ticks: (tick: () => void) => () => void,
): Promise<void> {
  const tree = new TaskTree(screen.paintNote);
  const region = screen.openRegion(terminal);
  // a line is left for the cursor
  const redraw = (): void => region.draw(tree.frame(Date.now(), { columns: terminal.columns(), rows: terminal.rows() - 1 }));
  const stops = [ticks(redraw), terminal.onResize(redraw)];
  try {
    for await (const event of events) tree.take(event);
  } finally {
    for (const stop of stops) stop();
    screen.closeRegion(tree.frame(Date.now(), { columns: terminal.columns(), rows: FINAL_ROWS_MAX }));
  }
}

function everyFrame(tick: () => void): () => void {
  const timer = setInterval(tick, FRAME_MS);
  return () => clearInterval(timer);
}
