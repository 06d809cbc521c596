import type { AnyEvent, EventOf, ReceiptV1 } from '@maestro/contracts';
import type { Recorded } from '@maestro/domain';
import { merkleRoot, sha256 } from '../chain.ts';
import { eventBytes, eventsJsonl } from './event-lines.ts';
import { policyDecisionsOf } from './policy-decisions.ts';
import { digestOf, stepsOf } from './steps.ts';

/** What a receipt says beyond the events of its run. */
export type AssembleInputs = {
  /** `events.jsonl` of the same events, where it is at hand; it is made anew otherwise */
  readonly jsonl?: Uint8Array;
  /** `sha256:<hex>` of the bundle that this receipt corrects */
  readonly supersedes?: string | null;
};

/** Verdict and final figures as the terminal event states them. */
type Terminal = EventOf<'execution.completed.v1'> | EventOf<'execution.denied.v1'>;

/**
 * The receipt of an ended run: a function of all its events, in order from revision 0. The same events make the same
 * receipt on any machine. Throws when the history does not begin with its request or does not end with a terminal event.
 */
export function assemble(events: readonly Recorded[], inputs: AssembleInputs = {}): ReceiptV1 {
  const { first, request, last, terminal } = endsOf(events);
  const happened = events.map(({ event }) => event);
  const started = events.find(({ event }) => event.type === 'execution.started.v1');
  const jsonl = inputs.jsonl ?? eventsJsonl(events.map(eventBytes));
  const { workflow, rollout, region, regionSource } = request;
  return {
    schema: 'receipt.v1',
    assembler: 'receipt.v1',
    executionId: request.executionId,
    tenant: first.tenant,
    verdict: terminal.type === 'execution.denied.v1' ? 'denied' : terminal.data.verdict,
    requestedAt: first.at,
    startedAt: started?.at ?? null,
    finishedAt: last.at,
    requestedBy: first.actor,
    workflow: { id: workflow.id, version: workflow.version, channel: workflow.channel, rollout, region, regionSource },
    digests: {
      manifest: digestOf(workflow.manifestDigest),
      events: digestOf(sha256(jsonl)),
      inputs: digestOf(request.inputs.commitment),
      policySet: digestOf(request.policySetDigest),
      priceBook: digestOf(request.prices.digest),
    },
    steps: stepsOf(request.tasks, happened),
    policyDecisions: policyDecisionsOf(happened),
    stream: streamOf(events, first, last),
    environment: environmentOf(started?.event),
    cost: { currency: 'USD', microUsd: terminal.data.costMicroUsd },
    counts: terminal.data.counts,
    links: { resumedFrom: request.resumedFrom, supersedes: inputs.supersedes ?? null },
  };
}

function endsOf(events: readonly Recorded[]) {
  const first = events[0];
  const last = events.at(-1);
  if (first?.event.type !== 'execution.requested.v1') throw new Error('the history does not begin with execution.requested');
  if (last === undefined || !isTerminal(last.event)) throw new Error('the history does not end with a terminal event');
  return { first, request: first.event.data, last, terminal: last.event };
}

/** Whether an event ends its run. */
export function isTerminal(event: AnyEvent): event is Terminal {
  return event.type === 'execution.completed.v1' || event.type === 'execution.denied.v1';
}

function streamOf(events: readonly Recorded[], first: Recorded, last: Recorded): ReceiptV1['stream'] {
  const [, ...rest] = events.map(({ hash }) => hash);
  const head = digestOf(last.hash);
  return {
    name: first.stream,
    first: 0,
    last: last.revision,
    count: events.length,
    head,
    merkleRoot: digestOf(merkleRoot([first.hash, ...rest])),
    terminal: { type: last.event.type, revision: last.revision, digest: head },
  };
}

function environmentOf(started: AnyEvent | undefined): ReceiptV1['environment'] {
  return started?.type === 'execution.started.v1' ? started.data.environment : null;
}
