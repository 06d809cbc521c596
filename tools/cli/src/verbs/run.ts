import { readFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import type { Inputs } from '../commands/input-option.ts';
import { commandFor, resolveDataDir } from '../conductor/session.ts';
import type { Where } from '../conductor/session.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { renderDenial } from '../report/denial.ts';
import { isAnswerError } from '../rest/answer-error.ts';
import type { RestClient } from '../rest/client.ts';
import { previewDecisions, publish, saveDraft, startRun } from '../rest/workflow-calls.ts';
import type { PackVerdict, PublishDenied, SavedDraft, StartAsked } from '../rest/workflow-calls.ts';
import type { TrustFlags } from '../trust/verify-set.ts';
import { finishRun, finishedJson, renderFinished, showProgress } from './finish-run.ts';
import type { FinishedRun } from './finish-run.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

export type RunFlags = CommonFlags &
  TrustFlags & {
    readonly manifest: string;
    readonly input: Inputs;
    readonly region?: string | undefined;
    readonly rollout?: 'canary' | 'all' | undefined;
    readonly out?: string | undefined;
  };

/** Publishes a manifest, runs it, follows it, exports and verifies its receipt. */
export async function run(flags: RunFlags, context: VerbContext): Promise<number> {
  const { screen, settings } = context;
  const manifest = await readManifest(resolve(settings.cwd, flags.manifest), flags.manifest);
  return withConductor(flags, context, async (client) => {
    const draft = await saveDraft(client, manifest);
    const asked = askedFor(draft, flags);
    try {
      const { version, channel } = await publish(client, draft);
      screen.note(screen.paintNote('faint', `workflow   ${draft.id} ${version} is published (${channel}), ${draft.digest}`));
    } catch (error) {
      const denial = denialOf(error);
      if (denial === undefined) throw error;
      return tellPublishDenied(client, draft, asked, denial, flags, context);
    }
    const executionId = await startRun(client, asked);
    screen.note(screen.paintNote('faint', `run        ${executionId}`));
    await follow(client, executionId, flags, context);
    const folder = resolve(settings.cwd, flags.out ?? join(resolveDataDir(flags, settings), 'exports', executionId));
    const finished = await finishRun(client, executionId, folder, flags, context);
    screen.out(flags.json === true ? JSON.stringify(finishedJson(finished), null, 2) : renderFinished(finished, screen));
    if (finished.exitCode === EXIT.denied && flags.json !== true) await explainDeniedRun(client, finished, asked, context);
    return finished.exitCode;
  });
}

const MANIFEST_TYPES: Readonly<Record<string, string>> = {
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
  '.json': 'application/json',
};

async function readManifest(path: string, given: string): Promise<{ readonly type: string; readonly bytes: Uint8Array }> {
  const type = MANIFEST_TYPES[extname(path).toLowerCase()];
  if (type === undefined) throw new CliError(EXIT.usage, 'MANIFEST_UNKNOWN_FORMAT', `${given} is neither .yaml, .yml nor .json`);
  try {
    return { type, bytes: await readFile(path) };
  } catch (error) {
    throw new CliError(
      EXIT.usage,
      'MANIFEST_UNREADABLE',
      `${given} cannot be read: ${(error as Error).message}`,
      [`${PROGRAM} run -m examples/hello.yaml`],
      error,
    );
  }
}

/** Without a rollout, exactly the version of the manifest at hand runs: whoever names a file means that file. */
function askedFor({ id, version }: SavedDraft, { input, region, rollout }: RunFlags): StartAsked {
  return {
    workflowId: id,
    version: rollout === undefined ? version : null,
    inputs: Object.fromEntries(input),
    rollout: rollout ?? null,
    region: region ?? null,
  };
}

async function follow(client: RestClient, executionId: string, where: Where, { signal, screen }: VerbContext): Promise<void> {
  try {
    await showProgress(client, executionId, screen);
  } catch (error) {
    if (signal.aborted) {
      screen.note(`run ${executionId} has not ended; it goes on as soon as a conductor serves its data folder:`);
      screen.note(`  ${commandFor(`status -e ${executionId}`, where)}`);
    }
    throw error;
  }
}

/** The packs' decisions of a refused publication, whichever way the conductor told them. */
function denialOf(error: unknown): readonly PackVerdict[] | undefined {
  if ((error as Error).name === 'PublishDenied') return (error as PublishDenied).denial.decisions;
  if (!isAnswerError(error, 'POLICY_DENIED')) return undefined;
  const { decisions } = error.members;
  return Array.isArray(decisions) ? (decisions as PackVerdict[]) : [];
}

async function tellPublishDenied(
  client: RestClient,
  draft: SavedDraft,
  asked: StartAsked,
  decisions: readonly PackVerdict[],
  flags: RunFlags,
  { screen }: VerbContext,
): Promise<number> {
  const previews = await previewDecisions(client, { ...asked, version: null });
  if (flags.json === true) {
    const document = {
      ok: false,
      exitCode: EXIT.denied,
      verdict: 'denied',
      stage: 'publish',
      workflow: draft,
      decisions,
      findings: previews.filter(({ stage }) => stage === 'publish'),
    };
    screen.out(JSON.stringify(document, null, 2));
    return EXIT.denied;
  }
  const paint = screen.paintOut;
  screen.out(`\n${paint('bad', '✗ DENIED')}  ${paint('strong', `${draft.id} ${draft.version}`)}`);
  screen.out('\n  policy does not let it be published; nothing ran, so there is no receipt\n');
  screen.out(renderDenial('publish', decisions, previews, paint));
  screen.out('\n  next: correct the manifest at these places and run the same command again');
  return EXIT.denied;
}

/** The receipt names packs and codes; the places come from asking policy again with the same inputs. */
async function explainDeniedRun(
  client: RestClient,
  { exported }: FinishedRun,
  asked: StartAsked,
  { screen }: VerbContext,
): Promise<void> {
  const { policyDecisions, workflow } = exported.receipt;
  const previews = await previewDecisions(client, { ...asked, version: workflow.version });
  const stage = policyDecisions.find(({ allow }) => !allow)?.stage ?? 'start';
  screen.out(
    `\n${screen.paintOut('strong', 'Why policy denied it')}\n${renderDenial(stage, policyDecisions, previews, screen.paintOut)}`,
  );
}
