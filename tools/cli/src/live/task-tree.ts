import type { ProgressEvent } from '../report/progress.ts';
import { count, seconds } from '../report/progress.ts';
import type { Paint, Tone } from '../screen.ts';
import { fitLine } from './fit-line.ts';
import type { Piece } from './fit-line.ts';
import { ROW_MARKS, changeOf, hasEnded, rowsOf } from './task-rows.ts';
import type { TaskRow } from './task-rows.ts';

/** What a frame has to fit into; `rows` bounds the lines of tasks. */
export type FrameSize = { readonly columns: number; readonly rows: number };

/** Longer task ids are cut in place, so that states stay below each other. */
const ID_WIDTH_MAX = 32;
/** Tasks of the frame that stays; the summary lists what ended badly. */
export const FINAL_ROWS_MAX = 100;

type Verdict = { readonly text: string; readonly tone: Tone };

/** The events of one run, in order, as a tree of tasks by level. */
export class TaskTree {
  readonly #paint: Paint;
  #title = 'run';
  #startedMs: number | undefined;
  #endedMs: number | undefined;
  #verdict: Verdict = { text: 'waits for policy', tone: 'faint' };
  #rows: TaskRow[] = [];
  /** of the column of task ids */
  #width = 0;
  #indexes = new Map<string, number>();

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  take(event: ProgressEvent): void {
    if (event.type === 'execution.requested.v1') {
      const { id, version, channel } = event.data.workflow;
      this.#title = `${id} ${version} (${channel})`;
      this.#startedMs = Date.parse(event.at);
      this.#rows = rowsOf(event.data.tasks);
      this.#width = Math.min(ID_WIDTH_MAX, Math.max(...this.#rows.map((row) => row.id.length)));
      this.#indexes = new Map(this.#rows.map((row, i) => [row.id, i]));
    }
    const verdict = verdictOf(event);
    if (verdict !== undefined) this.#verdict = verdict;
    if (event.type === 'execution.completed.v1' || event.type === 'execution.denied.v1') this.#endedMs = Date.parse(event.at);
    const change = changeOf(event);
    const index = change === undefined ? undefined : this.#indexes.get(change.id);
    if (index !== undefined) this.#rows[index] = { ...(this.#rows[index] as TaskRow), ...change };
  }

  /** Lines that fit. Where not all tasks do, those that are at work or failed come first, and one line counts the rest. */
  frame(nowMs: number, { columns, rows }: FrameSize): string[] {
    const room = Math.max(1, rows - 1);
    const shown = this.#rows.length <= room ? this.#rows : this.#foremost(Math.max(1, room - 1));
    const lines = shown.map((row, i) => this.#taskLine(row, row.level !== shown[i - 1]?.level, nowMs));
    const all = [this.#headLine(nowMs), ...lines, ...this.#restLine(new Set(shown))];
    return all.map((pieces) => fitLine(pieces, columns - 1, this.#paint));
  }

  #headLine(nowMs: number): Piece[] {
    const ended = this.#rows.filter(hasEnded).length;
    const sinceMs = this.#startedMs === undefined ? 0 : Math.max(0, (this.#endedMs ?? nowMs) - this.#startedMs);
    return [
      { text: this.#title, tone: 'strong' },
      { text: '  ' },
      this.#verdict,
      { text: `  ${seconds(sinceMs)}  [${ended}/${this.#rows.length}]`, tone: 'faint' },
    ];
  }

  #taskLine(row: TaskRow, isFirstOfLevel: boolean, nowMs: number): Piece[] {
    const { glyph, tone } = ROW_MARKS[row.state];
    const runningMs = row.startedAtMs === undefined ? undefined : Math.max(0, nowMs - row.startedAtMs);
    const timeMs = row.durationMs !== undefined && row.state !== 'running' ? row.durationMs : runningMs;
    const id = row.id.length > this.#width ? `${row.id.slice(0, this.#width - 1)}…` : row.id.padEnd(this.#width);
    return [
      { text: isFirstOfLevel ? `${row.level}`.padStart(4) : '    ', tone: 'faint' },
      { text: ` ${glyph} `, tone },
      { text: `${id}  ` },
      { text: row.state === 'stopped' || row.state === 'failed' ? row.detail : stateText(row), tone },
      { text: timeMs === undefined ? '' : `  ${seconds(timeMs)}`, tone: 'faint' },
      { text: row.attempt > 1 ? `  attempt ${row.attempt}` : '', tone: 'attention' },
    ];
  }

  #foremost(room: number): TaskRow[] {
    const rank = ({ state }: TaskRow): number => RANKS.indexOf(state);
    const chosen = new Set(this.#rows.toSorted((a, b) => rank(a) - rank(b)).slice(0, room));
    return this.#rows.filter((row) => chosen.has(row));
  }

  #restLine(shown: ReadonlySet<TaskRow>): Piece[][] {
    const rest = this.#rows.filter((row) => !shown.has(row));
    if (rest.length === 0) return [];
    const states = Map.groupBy(rest, ({ state }) => state);
    const counts = [...states].map(([state, rows]) => `${rows.length} ${state}`);
    return [[{ text: `       ${count(rest.length, 'more task')}: ${counts.join(', ')}`, tone: 'faint' }]];
  }
}

/** What is looked for first, where there is no room for all. */
const RANKS: readonly TaskRow['state'][] = ['failed', 'running', 'retrying', 'scheduled', 'stopped', 'waiting', 'succeeded'];

function stateText({ state, detail }: TaskRow): string {
  if (state === 'retrying') return detail === '' ? 'tries again' : `${detail}, tries again`;
  return detail === '' ? state : `${state}, ${detail}`;
}

function verdictOf(event: ProgressEvent): Verdict | undefined {
  switch (event.type) {
    case 'execution.started.v1':
      return { text: 'running', tone: 'attention' };
    case 'execution.cancel-requested.v1':
      return { text: 'is being cancelled', tone: 'attention' };
    case 'execution.denied.v1':
      return { text: `✗ denied: ${[event.data.reason, ...event.data.violations].join(', ')}`, tone: 'bad' };
    case 'execution.completed.v1':
      return event.data.verdict === 'succeeded' ? { text: '✓ succeeded', tone: 'good' } : { text: `✗ ${event.data.verdict}`, tone: 'bad' };
    default:
      return undefined;
  }
}
