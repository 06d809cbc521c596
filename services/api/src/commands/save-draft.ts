import { Command } from '@nestjs/cqrs';
import { commandHandler } from '../edge/message-handler.ts';
import type { CommandIdentity } from '../http/command-identity.ts';
import type { ParsedBody } from '../http/parsed-body.ts';
import { accepted } from './accepted.ts';
import { checkedManifest } from './read-manifest.ts';

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
  const command = { type: 'workflow.save-draft.v1', payload: { manifest: checkedManifest(document, packages) } } as const;
  const { position, result } = accepted(await gateway.send({ ...by, command }));
  return { id: String(result['id']), version: String(result['version']), digest: String(result['digest']), position };
});
