import { evolveExecution, evolveWorkflow, initialExecution, initialWorkflow } from '@maestro/domain';
import type { ExecutionEvent, ExecutionState, Recorded, WorkflowEvent, WorkflowState } from '@maestro/domain';
import { partitionOf } from '@maestro/ports';
import type { Authorizer, Clock, CommandGateway, Entropy, EventStore, EvidenceStore, KeyVault, Log, Metrics, PolicyEngine, ProcessState, TaskPackages, Tracer, WakeUps, WorkQueue } from '@maestro/ports';
import { Dispatcher } from '../dispatch/dispatcher.ts';
import { WorkOrders } from '../dispatch/work-orders.ts';
import type { Pause } from '../byte-slices.ts';
import { ManifestSource } from '../manifest-source.ts';
import { FencedState } from '../ownership/fenced-state.ts';
import { partitionName, partitionView } from '../ownership/partition-view.ts';
import type { Share } from '../ownership/shares.ts';
import { SealedValues } from '../sealed-values.ts';
import { tracedHandling } from '../tracing/traced-gateway.ts';
import { Admission } from './admission.ts';
import type { Supervision } from '../supervision/supervision.ts';
import { AggregateHandler } from './aggregate.ts';
import { AttemptReports } from './attempt-reports.ts';
import { CommandLedger } from './command-ledger.ts';
import { CommandRouter } from './command-router.ts';
import { ExecutionCommands } from './execution-commands.ts';
import type { RunSettings } from './execution-commands.ts';
import { Gateway } from './gateway.ts';
import { localAuthorizer } from './local-authorizer.ts';
import { PolicyAnswers } from './policy-answers.ts';
import { ResumeOutputs } from './resume-outputs.ts';
import { ResumeRun } from './resume-run.ts';
import { WorkflowCommands } from './workflow-commands.ts';

export type CommandRoleDependencies = {
  readonly store: EventStore;
  readonly queue: WorkQueue;
  readonly state: ProcessState;
  readonly vault: KeyVault;
  /** holds sealed values that are too large for their event */
  readonly evidence: EvidenceStore;
  readonly policies: PolicyEngine;
  readonly packages: TaskPackages;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly metrics: Metrics;
  readonly log: Log;
  /** default: where there is no login, the one local user */
  readonly authorizer?: Authorizer;
  readonly supervision?: Supervision | undefined;
  /** absent: nothing is traced */
  readonly tracer?: Tracer | undefined;
  /** hints for timers; absent: the clock of this process alone says when to look at one */
  readonly wakeUps?: WakeUps | undefined;
  /** between two slices of work on a large value; the end of the turn unless told */
  readonly pause?: Pause;
  readonly settings: RunSettings & { readonly tenant: string };
  /** how many shares the streams are divided into; absent: this process has all of them, and is the only one */
  readonly partitions?: number;
};

/** The command role: owns aggregates, dispatches work from what it appends, fires timers. */
export type CommandRole = {
  readonly gateway: CommandGateway;
  readonly ledger: CommandLedger;
  /** open intents and timers */
  readonly openCount: () => number;
  /** runs without a verdict */
  readonly openRunCount: () => number;
  /** Folds what happened before, publishes what is open; resolves when commands may come. With `partitions`: of none yet. */
  start(): Promise<void>;
  /** Dispatches for one share of the streams, as its owner. `lost`: another process is it by now. */
  openPartition(index: number, lost: () => void): Share;
  stop(): Promise<void>;
};

/** Aggregates kept in memory; a run that is not here is read again when it is needed. */
const RUNS_CACHED_MAX = 10_000;
const WORKFLOWS_CACHED_MAX = 1_000;

const WORKFLOWS = {
  initial: initialWorkflow,
  evolve: (state: WorkflowState, recorded: Recorded) => evolveWorkflow(state, recorded as Recorded<WorkflowEvent>),
  isFinal: () => false,
  cachedMax: WORKFLOWS_CACHED_MAX,
};
const EXECUTIONS = {
  initial: initialExecution,
  evolve: (state: ExecutionState, recorded: Recorded) => evolveExecution(state, recorded as Recorded<ExecutionEvent>),
  isFinal: (state: ExecutionState) => state.phase === 'ended',
  cachedMax: RUNS_CACHED_MAX,
};

export function openCommandRole(d: CommandRoleDependencies): CommandRole {
  const { store, clock, settings, tracer } = d;
  const values = new SealedValues(d.vault, d.entropy, store, d.evidence, d.pause);
  const manifests = new ManifestSource(store, d.packages);
  const ledger = new CommandLedger(d.state, clock);
  const answers = new PolicyAnswers(d.policies, values);
  /** by partition; 0 where there are none */
  const dispatchers = new Map<number, Dispatcher>();
  const count = d.partitions ?? 1;
  // what another process dispatches for is left to it: it folds what is appended here
  const appended = (events: readonly Recorded[]): void => {
    const [first] = events;
    if (first !== undefined) dispatchers.get(partitionOf(first.stream, count))?.appended(events);
  };
  const workflowHandler = new AggregateHandler<WorkflowState>(store, values, clock, appended, { ...WORKFLOWS, tracer });
  const executionHandler = new AggregateHandler<ExecutionState>(store, values, clock, appended, { ...EXECUTIONS, tracer });
  const workflows = new WorkflowCommands({ handler: workflowHandler, store, packages: d.packages, policies: d.policies, values, answers, requireRegion: settings.requireRegion });
  const findRun = async (...seen: Parameters<typeof executionHandler.peek>) => (await executionHandler.peek(...seen)).state;
  const orders = new WorkOrders(store, workflows, manifests, values, findRun);
  const reports = new AttemptReports(values, d.packages, (...asked) => orders.checkedArguments(...asked));
  const resumes = new ResumeRun({ handler: executionHandler, store, workflows, values, packages: d.packages, policies: d.policies, conductorUrl: settings.conductorUrl });
  const outputs = new ResumeOutputs(store, values, (stream) => findRun(stream, 'newest'));
  const executions = new ExecutionCommands({ handler: executionHandler, store, workflows, manifests, policies: d.policies, values, answers, reports, resumes, outputs, settings });
  const router = new CommandRouter(workflows, executions);
  const untraced = new Gateway({ router, authorizer: d.authorizer ?? localAuthorizer, admission: new Admission(), ledger, metrics: d.metrics, log: d.log, supervision: d.supervision });
  const gateway = tracedHandling(untraced, tracer);
  const shared = { queue: d.queue, gateway, orders, clock, metrics: d.metrics, log: d.log, tenant: settings.tenant, supervision: d.supervision, tracer, wakeUps: d.wakeUps };
  const sumOf = (countOf: (dispatcher: Dispatcher) => number): number => [...dispatchers.values()].reduce((sum, one) => sum + countOf(one), 0);
  const openPartition = (index: number, lost: () => void): Share => {
    const partition = { index, count };
    const share = { name: `dispatcher-${partitionName(partition)}`, stateName: `intents/${partitionName(partition)}`, handOutFoldedAfterMs: 0 };
    const dispatcher = new Dispatcher({ ...shared, store: partitionView(store, partition), state: new FencedState(d.state, lost), share });
    const open = async (): Promise<void> => {
      // what the owner before has refused and set aside
      await Promise.all([ledger.load(), d.supervision?.quarantine.refresh()]);
      dispatchers.set(index, dispatcher);
      await dispatcher.start();
    };
    const stop = async (): Promise<void> => {
      if (dispatchers.get(index) === dispatcher) dispatchers.delete(index);
      await dispatcher.stop();
    };
    return { ready: open(), stop };
  };
  const alone = d.partitions === undefined ? new Dispatcher({ ...shared, store, state: d.state }) : undefined;
  return {
    gateway,
    ledger,
    openCount: () => sumOf((one) => one.openCount),
    openRunCount: () => sumOf((one) => one.openRunCount),
    openPartition,
    async start() {
      await ledger.load();
      if (alone === undefined) return;
      dispatchers.set(0, alone);
      await alone.start();
    },
    async stop() {
      await alone?.stop();
      await ledger.settle();
    },
  };
}
