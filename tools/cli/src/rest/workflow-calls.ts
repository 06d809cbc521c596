import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import type { RestClient } from './client.ts';

export type SavedDraft = { readonly id: string; readonly version: string; readonly digest: string };
export type Published = SavedDraft & { readonly channel: string };
type Pending = SavedDraft & { readonly links: { readonly command: string } };
type PublishOutcome =
  | { readonly kind: 'published'; readonly channel: string; readonly version: string; readonly digest: string }
  | ({ readonly kind: 'denied' } & Denial)
  | { readonly kind: 'pending' };

/** What one pack decided; codes only: values stay sealed. */
export type PackVerdict = {
  readonly pack: string;
  readonly allow: boolean;
  readonly violations: readonly string[];
  readonly obligations: readonly string[];
};
export type Denial = { readonly version: string; readonly reason: string; readonly decisions: readonly PackVerdict[] };

/** A publication that policy refused. */
export class PublishDenied extends Error {
  override readonly name = 'PublishDenied';
  readonly denial: Denial;
  constructor(denial: Denial) {
    super(`policy does not let version ${denial.version} be published`);
    this.denial = denial;
  }
}

/** Policy decides within 30 s or denies; some more for the way. */
const DECISION_TRIES = 140;
const DECISION_STEP_MS = 250;

/** Saves a manifest (YAML or JSON bytes) as the draft of its workflow. AnswerError MANIFEST_INVALID lists every problem. */
export function saveDraft(
  client: RestClient,
  manifest: { readonly type: string; readonly bytes: Uint8Array },
): Promise<SavedDraft> {
  return client.json<SavedDraft>({ method: 'POST', path: '/api/workflows', body: manifest });
}

/** Publishes the draft and waits for policy. Throws PublishDenied; AnswerError VERSION_CONFLICT and others. */
export async function publish(client: RestClient, draft: SavedDraft): Promise<Published> {
  const path = `/api/workflows/${encodeURIComponent(draft.id)}/publish`;
  const answer = await client.json<Published | Pending>({ method: 'POST', path, json: { version: draft.version } });
  if ('channel' in answer) return answer;
  for (let attempt = 0; attempt < DECISION_TRIES; attempt++) {
    await delay(DECISION_STEP_MS);
    client.throwIfInterrupted();
    const { outcome } = await client.json<{ readonly outcome: PublishOutcome | null }>({ path: answer.links.command });
    if (outcome?.kind === 'published') return { ...draft, channel: outcome.channel };
    if (outcome?.kind === 'denied') throw new PublishDenied(outcome);
  }
  throw new CliError(EXIT.unexpected, 'NO_DECISION', `policy has not decided about ${draft.id} ${draft.version}`, ['try again']);
}

export type StartAsked = {
  readonly workflowId: string;
  /** null: by rollout */
  readonly version: string | null;
  readonly inputs: { readonly [name: string]: unknown };
  readonly rollout: 'canary' | 'all' | null;
  readonly region: string | null;
};

/** Starts a run; its id. */
export async function startRun(client: RestClient, asked: StartAsked): Promise<string> {
  return (await client.json<{ readonly id: string }>({ method: 'POST', path: '/api/executions', json: asked })).id;
}

/** What policy says, with the places that it found. */
export type Finding = {
  readonly code: string;
  readonly path: readonly (string | number)[];
  readonly params: { readonly [name: string]: unknown };
};
export type Preview = {
  readonly stage: string;
  readonly pack: string;
  readonly allow: boolean;
  readonly violations: readonly Finding[];
  readonly obligations: readonly Finding[];
};

/** Asks policy about a version (null: the draft) without a run, because only this answer names places. */
export async function previewDecisions(client: RestClient, asked: Omit<StartAsked, 'rollout'>): Promise<readonly Preview[]> {
  const { workflowId, version, inputs, region } = asked;
  const path = `/api/workflows/${encodeURIComponent(workflowId)}/dry-run`;
  return (
    await client.json<{ readonly decisions: readonly Preview[] }>({ method: 'POST', path, json: { version, inputs, region } })
  ).decisions;
}

/** Makes the candidate the stable version. AnswerError NO_CANDIDATE and others. */
export function promoteWorkflow(
  client: RestClient,
  workflowId: string,
  json: { readonly comment: string },
): Promise<{ readonly id: string; readonly version: string }> {
  return client.json({ method: 'POST', path: `/api/workflows/${encodeURIComponent(workflowId)}/promote`, json });
}

/** `version` stepped back, `to` is stable now; null: a candidate was withdrawn. AnswerError NO_EARLIER_VERSION and others. */
export function rollBackWorkflow(
  client: RestClient,
  workflowId: string,
  { to, comment }: { readonly to: string | null; readonly comment: string },
): Promise<{ readonly id: string; readonly version: string; readonly to: string | null }> {
  const json = { ...(to === null ? {} : { to }), comment };
  return client.json({ method: 'POST', path: `/api/workflows/${encodeURIComponent(workflowId)}/rollback`, json });
}
