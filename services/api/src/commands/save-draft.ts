import { Command } from '@nestjs/cqrs';
import type { JsonObject, Problem } from '@maestro/domain';
import { checkManifestDocument } from '@maestro/runtime';
import { commandHandler } from '../edge/message-handler.ts';
import type { CommandIdentity } from '../http/command-identity.ts';
import type { ParsedBody } from '../http/parsed-body.ts';
import { positionsOf } from '../http/source-positions.ts';
import { PROBLEM_ITEMS_MAX } from '../problem/problem-document.ts';
import { rejected } from '../problem/problem-error.ts';
import type { ProblemItem } from '../problem/problem-error.ts';
import { accepted } from './accepted.ts';

export type SavedDraft = { readonly id: string; readonly version: string; readonly digest: string; readonly position: string };

/** Create or replace the draft of a workflow. */
export class SaveDraft extends Command<SavedDraft> {
  readonly by: CommandIdentity;
  readonly document: ParsedBody;
  constructor(by: CommandIdentity, document: ParsedBody) {
    super();
    this.by = by;
    this.document = document;
  }
}

export const saveDraftHandler = commandHandler(SaveDraft, ['gateway', 'packages'], async ({ by, document }, { gateway, packages }): Promise<SavedDraft> => {
  const problems = checkManifestDocument(document.value, packages);
  if (problems.length > 0) {
    throw rejected({ code: 'MANIFEST_INVALID', detail: `the manifest has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`, errors: placed(problems, document.text) });
  }
  const command = { type: 'workflow.save-draft.v1', payload: { manifest: document.value as JsonObject } } as const;
  const { position, result } = accepted(await gateway.send({ ...by, command }));
  return { id: String(result['id']), version: String(result['version']), digest: String(result['digest']), position };
});

/** Each problem with line and column, as far as they will be shown. */
function placed(problems: readonly Problem[], text: string): readonly ProblemItem[] {
  const shown = problems.slice(0, PROBLEM_ITEMS_MAX);
  const positions = positionsOf(text, shown.map(({ pointer }) => pointer));
  return problems.map((problem) => ({ ...problem, ...positions.get(problem.pointer) }));
}
