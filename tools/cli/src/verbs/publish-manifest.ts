import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { renderDenial } from '../report/denial.ts';
import { isAnswerError } from '../rest/answer-error.ts';
import type { RestClient } from '../rest/client.ts';
import { previewDecisions, publish, saveDraft } from '../rest/workflow-calls.ts';
import type { PackVerdict, PublishDenied, Published, SavedDraft, StartAsked } from '../rest/workflow-calls.ts';
import type { VerbContext } from './verb-context.ts';

/** A manifest as it lies on disk; `type` is its media type. */
export type ManifestFile = { readonly type: 'application/yaml' | 'application/json'; readonly bytes: Uint8Array };

const MANIFEST_TYPES: Readonly<Record<string, ManifestFile['type']>> = {
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
  '.json': 'application/json',
};

/** CliError MANIFEST_UNREADABLE, MANIFEST_UNKNOWN_FORMAT. */
export async function readManifestFile(given: string, cwd: string): Promise<ManifestFile> {
  const type = MANIFEST_TYPES[extname(given).toLowerCase()];
  if (type === undefined) throw new CliError(EXIT.usage, 'MANIFEST_UNKNOWN_FORMAT', `${given} is neither .yaml, .yml nor .json`);
  try {
    return { type, bytes: await readFile(resolve(cwd, given)) };
  } catch (error) {
    const next = [`${PROGRAM} init writes one to begin with`, `${PROGRAM} run -m examples/hello.yaml`];
    throw new CliError(EXIT.usage, 'MANIFEST_UNREADABLE', `${given} cannot be read: ${(error as Error).message}`, next, error);
  }
}

/** What came of a publication; `draft` is what was saved for it. */
export type Publication =
  | { readonly kind: 'published'; readonly published: Published }
  | { readonly kind: 'denied'; readonly draft: SavedDraft; readonly decisions: readonly PackVerdict[] };

/** Saves and publishes a manifest, and waits for policy. AnswerError MANIFEST_INVALID, VERSION_CONFLICT and others. */
export async function publishManifest(client: RestClient, manifest: ManifestFile, { screen }: VerbContext): Promise<Publication> {
  const draft = await saveDraft(client, manifest);
  try {
    const { version, channel } = await publish(client, draft);
    screen.note(screen.paintNote('faint', `workflow   ${draft.id} ${version} is published (${channel}), ${draft.digest}`));
    return { kind: 'published', published: { ...draft, version, channel } };
  } catch (error) {
    const decisions = decisionsOf(error);
    if (decisions === undefined) throw error;
    return { kind: 'denied', draft, decisions };
  }
}

/** The packs' decisions of a refused publication, whichever way the conductor told them. */
function decisionsOf(error: unknown): readonly PackVerdict[] | undefined {
  if ((error as Error).name === 'PublishDenied') return (error as PublishDenied).denial.decisions;
  if (!isAnswerError(error, 'POLICY_DENIED')) return undefined;
  const { decisions } = error.members;
  return Array.isArray(decisions) ? (decisions as PackVerdict[]) : [];
}

/** Says why policy refused the publication, with the places; its exit code. */
export async function tellPublishDenied(
  client: RestClient,
  { draft, decisions }: Extract<Publication, { kind: 'denied' }>,
  asked: Pick<StartAsked, 'inputs' | 'region'>,
  { json }: { readonly json?: boolean | undefined },
  { screen }: VerbContext,
): Promise<number> {
  const { inputs, region } = asked;
  const previews = await previewDecisions(client, { workflowId: draft.id, version: null, inputs, region });
  if (json === true) {
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
