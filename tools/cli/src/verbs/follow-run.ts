import { join, resolve } from 'node:path';
import { commandFor, resolveDataDir } from '../conductor/session.ts';
import type { Session } from '../conductor/session.ts';
import { EXIT } from '../exit-codes.ts';
import type { RestClient } from '../rest/client.ts';
import { showRun } from '../report/show-run.ts';
import { labelled } from '../screen.ts';
import type { TrustFlags } from '../trust/verify-set.ts';
import { finishRun, finishedJson, renderFinished } from './finish-run.ts';
import type { FinishedRun } from './finish-run.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

/** Flags of verbs that follow a run to its receipt. */
export type FollowFlags = CommonFlags & TrustFlags & { readonly out?: string | undefined; readonly follow?: boolean | undefined };

/** Follows a run to its end, exports and verifies its receipt, and shows both. */
export async function followToReceipt(
  client: RestClient,
  executionId: string,
  flags: FollowFlags,
  context: VerbContext,
): Promise<FinishedRun> {
  const { screen, settings } = context;
  await followRun(client, executionId, flags, context);
  const folder = resolve(settings.cwd, flags.out ?? join(resolveDataDir(flags, settings), 'exports', executionId));
  const finished = await finishRun(client, executionId, folder, flags, context);
  if (flags.json === true) screen.out(JSON.stringify(finishedJson(finished), null, 2));
  else screen.out([renderFinished(finished, screen), ...afterwards(finished, flags)].join('\n'));
  return finished;
}

/** What somebody does next whose run did not succeed. */
function afterwards({ exported }: FinishedRun, flags: CommonFlags): readonly string[] {
  const { verdict, steps } = exported.receipt;
  if (verdict === 'succeeded' || verdict === 'denied') return [];
  const failed = steps.find(({ status }) => status === 'failed' || status === 'timed-out');
  return [
    '',
    ...(failed === undefined ? [] : [`  next: ${commandFor(`logs ${exported.executionId} ${failed.id}`, flags)}`]),
    `  next: ${commandFor(`resume ${exported.executionId} --follow`, flags)}   keeps what succeeded`,
  ];
}

/** Shows a run until it ends. Whoever is interrupted leaves the run open, and is told how to see or end it. */
export async function followRun(
  client: RestClient,
  executionId: string,
  flags: CommonFlags,
  { signal, screen }: VerbContext,
): Promise<void> {
  try {
    await showRun(client, executionId, screen, { isPlain: flags.json === true });
  } catch (error) {
    if (signal.aborted) {
      screen.note(`run ${executionId} has not ended; it goes on as long as a conductor serves its data folder:`);
      screen.note(`  ${commandFor(`status -e ${executionId}`, flags)}   follows it again`);
      screen.note(`  ${commandFor(`cancel ${executionId}`, flags)}   ends it`);
    }
    throw error;
  }
}

/**
 * What a verb does with a run that it has started: follows it where that was asked for, or where nobody else would run
 * it, since its conductor ends with this command; otherwise says how to follow it.
 */
export async function startedRun(
  client: RestClient,
  session: Session,
  executionId: string,
  flags: FollowFlags,
  context: VerbContext,
): Promise<FinishedRun | number> {
  const { screen } = context;
  screen.note(screen.paintNote('faint', `run        ${executionId}`));
  if (flags.follow !== true && !session.isOwn) return tellStarted(executionId, flags, context);
  if (flags.follow !== true)
    screen.note(screen.paintNote('faint', 'follow     to its end: the conductor was started for this command and ends with it'));
  return followToReceipt(client, executionId, flags, context);
}

function tellStarted(executionId: string, flags: CommonFlags, { screen }: VerbContext): number {
  const next = [commandFor(`status -e ${executionId}`, flags), commandFor(`cancel ${executionId}`, flags)];
  if (flags.json === true) {
    screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, executionId, next }, null, 2));
    return EXIT.ok;
  }
  const paint = screen.paintOut;
  const rows = [['run', executionId], ['follow it', next[0]], ['end it', next[1]]] as const;
  screen.out(`${paint('good', '✓')} started\n\n${labelled(rows.map(([label, text]) => [label, String(text)] as const), paint)}`);
  return EXIT.ok;
}
