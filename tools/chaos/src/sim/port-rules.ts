import type { EventStore, EvidenceStore, FaultCode, KeyVault, PolicyEngine, ProcessState, ReadModels, Signer, TaskPackages, WorkQueue } from '@maestro/ports';

/** What may go wrong with one method that answers later, as its port's contract allows. */
export type AnswerRule = {
  /** what its caller may see although nothing was done; null: it never fails that way */
  readonly before: FaultCode | null;
  /** what its caller may see although it was done; null: it never fails that way */
  readonly after: FaultCode | null;
  /** whether the same call may arrive twice: not, right after the first, or long after it */
  readonly again: 'never' | 'at-once' | 'late';
  /** needs space on the disk */
  readonly writes: boolean;
};
/** A subscription may break off with this fault, and its items may be late; it never doubles or loses one. */
export type StreamRule = { readonly breaks: FaultCode };
/** `plain`: a look at what is in memory, which cannot go wrong. `hands-out`: gives work to a handler, whose answer may get lost. */
export type PlainRule = 'plain' | 'hands-out';

type RuleOf<M> = M extends (...args: never[]) => infer A ? (A extends Promise<unknown> ? AnswerRule | 'end' : A extends AsyncIterable<unknown> ? StreamRule : PlainRule) : never;
type MethodNames<P> = { [K in keyof P]: P[K] extends (...args: never[]) => unknown ? K : never }[keyof P];

/** One rule for every method that the port has, by the kind of its answer: a method without one does not compile. */
export type PortRules<P> = { readonly [K in MethodNames<P>]: RuleOf<P[K]> };

/** The ports of a conductor that can fail, by the name under which its parts get them. */
export type FaultyPorts = {
  readonly store: EventStore;
  readonly queue: WorkQueue;
  readonly state: ProcessState;
  readonly evidence: EvidenceStore;
  readonly views: ReadModels;
  readonly vault: KeyVault;
  readonly policies: PolicyEngine;
  readonly packages: TaskPackages;
  readonly signer: Signer;
};

const write: AnswerRule = { before: 'STORE_READ_ONLY', after: 'STORE_OUTCOME_UNKNOWN', again: 'at-once', writes: true };
const read: AnswerRule = { ...write, writes: false };
/** In memory, or in another process: no disk of ours. */
const remote = { again: 'at-once', writes: false } as const;
/** Nobody calls it while the process lives, and a process that dies calls nothing. */
const close = 'end';

/** What may go wrong, method by method. */
export const PORT_RULES: { readonly [N in keyof FaultyPorts]: PortRules<FaultyPorts[N]> } = {
  store: {
    append: { ...write, again: 'late' },
    readStream: read,
    readAll: read,
    subscribe: { breaks: 'STORE_OUTCOME_UNKNOWN' },
    head: read,
    compare: 'plain',
    close,
  },
  queue: {
    // after: a broker took it, and its answer was lost
    publish: { ...remote, before: 'QUEUE_FULL', after: 'QUEUE_FULL', again: 'late' },
    consume: 'hands-out',
    revoke: { ...remote, before: null, after: null, again: 'late' },
    depth: { ...remote, before: null, after: null },
    parked: { ...remote, before: null, after: null },
    close,
  },
  state: { load: read, apply: write, close },
  evidence: { put: { ...write, again: 'late' }, putMany: { ...write, again: 'late' }, get: read, find: read, head: read, hold: write, close },
  views: {
    get: read,
    list: read,
    apply: write,
    position: read,
    status: read,
    reset: write,
    beginRebuild: write,
    swap: { ...write, again: 'never' },
    requestRebuild: write,
    rebuildRequested: { ...read, again: 'never' },
    close,
  },
  vault: { create: write, seal: read, open: read, derive: read, destroy: write, close },
  policies: { evaluate: { ...remote, before: 'EVALUATION_FAILED', after: 'EVALUATION_FAILED' }, active: 'plain', sets: 'plain', close },
  // whatever a package does is a result: it never rejects
  packages: { resolve: 'plain', all: 'plain', run: { ...remote, before: null, after: null }, close },
  signer: { sign: { ...remote, before: 'SIGNING_FAILED', after: 'SIGNING_FAILED' } },
};
