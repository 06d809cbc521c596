import { CliError } from '../cli-error.ts';
import type { Inputs } from '../commands/input-option.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { renderDenial } from '../report/denial.ts';
import type { Session } from '../conductor/session.ts';
import type { RestClient } from '../rest/client.ts';
import { previewDecisions, startRun } from '../rest/workflow-calls.ts';
import type { StartAsked } from '../rest/workflow-calls.ts';
import type { FinishedRun } from './finish-run.ts';
import { startedRun } from './follow-run.ts';
import type { FollowFlags } from './follow-run.ts';
import { publishManifest, readManifestFile, tellPublishDenied } from './publish-manifest.ts';
import { withConductor } from './verb-context.ts';
import type { VerbContext } from './verb-context.ts';

export type RunFlags = FollowFlags & {
  /** exactly one of `manifest` and `workflow` */
  readonly manifest?: string | undefined;
  readonly workflow?: string | undefined;
  readonly input: Inputs;
  readonly region?: string | undefined;
  readonly rollout?: 'canary' | 'all' | undefined;
  readonly canary?: boolean | undefined;
};

/** Runs a manifest, published first, or a published workflow; follows it, exports and verifies its receipt. */
export function run(flags: RunFlags, context: VerbContext): Promise<number> {
  const { manifest, workflow } = flags;
  if (manifest !== undefined) return runManifest(manifest, flags, context);
  if (workflow !== undefined)
    return withConductor(flags, context, async (client, session) =>
      startAndFinish(client, session, askedFor(workflow, null, flags), flags, context),
    );
  throw new CliError(EXIT.usage, 'USAGE_INVALID', 'a required option is missing: -m, --manifest <file> or -w, --workflow <id>', [
    `${PROGRAM} run -m examples/hello.yaml`,
    `${PROGRAM} run --help`,
  ]);
}

async function runManifest(given: string, flags: RunFlags, context: VerbContext): Promise<number> {
  const manifest = await readManifestFile(given, context.settings.cwd);
  return withConductor(flags, context, async (client, session) => {
    const publication = await publishManifest(client, manifest, context);
    if (publication.kind === 'denied')
      return tellPublishDenied(client, publication, askedFor(publication.draft.id, null, flags), flags, context);
    const { id, version } = publication.published;
    return startAndFinish(client, session, askedFor(id, version, flags), { ...flags, follow: true }, context);
  });
}

/** Without a rollout, exactly the version of the manifest at hand runs: whoever names a file means that file. */
function askedFor(workflowId: string, version: string | null, { input, region, rollout, canary }: RunFlags): StartAsked {
  const asked = canary === true ? 'canary' : (rollout ?? null);
  return {
    workflowId,
    version: asked === null ? version : null,
    inputs: Object.fromEntries(input),
    rollout: asked,
    region: region ?? null,
  };
}

async function startAndFinish(
  client: RestClient,
  session: Session,
  asked: StartAsked,
  flags: RunFlags,
  context: VerbContext,
): Promise<number> {
  const ended = await startedRun(client, session, await startRun(client, asked), flags, context);
  if (typeof ended === 'number') return ended;
  if (ended.exitCode === EXIT.denied && flags.json !== true) await explainDeniedRun(client, ended, asked, context);
  return ended.exitCode;
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
