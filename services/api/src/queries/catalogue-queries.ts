import { Query } from '@nestjs/cqrs';
import { streamName } from '@maestro/domain';
import type { Json } from '@maestro/domain';
import type { EventStore, PolicySetRef } from '@maestro/ports';
import { awaitPosition, publishOutcome } from '@maestro/runtime';
import type { PolicyActivation, PublishOutcome } from '@maestro/runtime';
import type { ApiDependencies, CommandRecord, PublishedKey } from '../api-dependencies.ts';
import { queryHandler } from '../edge/message-handler.ts';
import { problem } from '../problem/problem-error.ts';

export type KeyList = { readonly keys: readonly PublishedKey[]; readonly registry: Json };
export class GetKeys extends Query<KeyList> {}

/** `activeSince`: when new runs were pinned to it, for the latest time (RFC 3339); null: never yet. */
export type ShownPolicySet = PolicySetRef & { readonly activeSince: string | null };
/** `activations`: which set was active from when on, oldest first. */
export type PolicyList = { readonly active: ShownPolicySet; readonly sets: readonly ShownPolicySet[]; readonly activations: readonly PolicyActivation[] };
export class GetPolicies extends Query<PolicyList> {}

/** `outcome`: of a publication, what policy made of it by now. */
export type ShownCommand = CommandRecord & { readonly outcome: PublishOutcome | null };

export class GetCommand extends Query<ShownCommand> {
  readonly commandId: string;
  constructor(commandId: string) {
    super();
    this.commandId = commandId;
  }
}

export const catalogueQueryHandlers = [
  queryHandler(GetKeys, ['keys'], async (_query: GetKeys, { keys }): Promise<KeyList> => ({ keys: keys.publicKeys(), registry: keys.registry() })),
  queryHandler(GetPolicies, ['policies', 'policyActivations'], async (_query: GetPolicies, { policies, policyActivations }): Promise<PolicyList> => {
    const activations = await policyActivations();
    const shown = (set: PolicySetRef): ShownPolicySet => ({ ...set, activeSince: activations.findLast(({ setDigest }) => setDigest === set.setDigest)?.since ?? null });
    return { active: shown(policies.active()), sets: policies.sets().map(shown), activations };
  }),
  queryHandler(GetCommand, ['commands', 'store', 'views', 'clock', 'settings'], async ({ commandId }: GetCommand, parts): Promise<ShownCommand> => {
    const record = /^[0-9a-f]{64}$/.test(commandId) ? await findCommand(parts, commandId) : null;
    if (record === null) throw problem('COMMAND_NOT_FOUND', 'this command is not known: it never came, or it was refused long ago');
    return { ...record, outcome: await outcomeOf(record, parts.store) };
  }),
];

type Parts = Pick<ApiDependencies, 'commands' | 'store' | 'views' | 'clock' | 'settings'>;

/** Accepted commands are found in the read model, so one that was answered just now may need a moment. */
async function findCommand({ commands, store, views, clock, settings }: Parts, commandId: string): Promise<CommandRecord | null> {
  const known = await commands.find(commandId);
  const head = known === null ? await store.head() : null;
  if (head === null) return known;
  await awaitPosition(store, views, clock, head, settings.positionWaitMs);
  return commands.find(commandId);
}

async function outcomeOf({ result }: CommandRecord, store: EventStore): Promise<PublishOutcome | null> {
  const { id, checkId } = result ?? {};
  if (typeof id !== 'string' || typeof checkId !== 'string') return null;
  const stream = streamName('workflow', id);
  return stream === undefined ? null : publishOutcome(store, stream, checkId);
}
