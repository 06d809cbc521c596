import { evolveExecution, evolveWorkflow, initialExecution, initialWorkflow } from '@maestro/domain';
import type { ExecutionEvent, ExecutionState, Recorded, WorkflowEvent, WorkflowState } from '@maestro/domain';
import type { Authorizer, Clock, CommandGateway, Entropy, EventStore, EvidenceStore, KeyVault, Log, Metrics, PolicyEngine, ProcessState, TaskPackages, WorkQueue } from '@maestro/ports';
import { Dispatcher } from '../dispatch/dispatcher.ts';
import { WorkOrders } from '../dispatch/work-orders.ts';
import type { Pause } from '../byte-slices.ts';
import { ManifestSource } from '../manifest-source.ts';
import { SealedValues } from '../sealed-values.ts';
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
  /** between two slices of work on a large value; the end of the turn unless told */
  readonly pause?: Pause;
  readonly settings: RunSettings & { readonly tenant: string };
};

/** The command role: owns aggregates, dispatches work from what it appends, fires timers. */
export type CommandRole = {
  readonly gateway: CommandGateway;
  readonly ledger: CommandLedger;
  /** open intents and timers */
  readonly openCount: () => number;
  /** runs without a verdict */
  readonly openRunCount: () => number;
  /** Folds what happened before, publishes what is open; resolves when commands may come. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** Aggregates kept in memory; a run that is not here is read again when it is needed. */
const RUNS_CACHED_MAX = 10_000;
const WORKFLOWS_CACHED_MAX = 1_000;

export function openCommandRole(d: CommandRoleDependencies): CommandRole {
  const { store, clock, settings } = d;
  const values = new SealedValues(d.vault, d.entropy, store, d.evidence, d.pause);
  const manifests = new ManifestSource(store, d.packages);
  const ledger = new CommandLedger(d.state, clock);
  const answers = new PolicyAnswers(d.policies, values);
  let dispatcher: Dispatcher | undefined;
  const appended = (events: readonly Recorded[]): void => dispatcher?.appended(events);
  const workflowHandler = new AggregateHandler<WorkflowState>(store, values, clock, appended, {
    initial: initialWorkflow,
    evolve: (state, recorded) => evolveWorkflow(state, recorded as Recorded<WorkflowEvent>),
    isFinal: () => false,
    cachedMax: WORKFLOWS_CACHED_MAX,
  });
  const executionHandler = new AggregateHandler<ExecutionState>(store, values, clock, appended, {
    initial: initialExecution,
    evolve: (state, recorded) => evolveExecution(state, recorded as Recorded<ExecutionEvent>),
    isFinal: (state) => state.phase === 'ended',
    cachedMax: RUNS_CACHED_MAX,
  });
  const workflows = new WorkflowCommands({ handler: workflowHandler, store, packages: d.packages, policies: d.policies, values, answers, requireRegion: settings.requireRegion });
  const findRun = async (...seen: Parameters<typeof executionHandler.peek>) => (await executionHandler.peek(...seen)).state;
  const orders = new WorkOrders(store, workflows, manifests, values, findRun);
  const reports = new AttemptReports(values, d.packages, (...asked) => orders.checkedArguments(...asked));
  const resumes = new ResumeRun({ handler: executionHandler, store, workflows, values, packages: d.packages, policies: d.policies, conductorUrl: settings.conductorUrl });
  const outputs = new ResumeOutputs(store, values, (stream) => findRun(stream, 'newest'));
  const executions = new ExecutionCommands({ handler: executionHandler, store, workflows, manifests, policies: d.policies, values, answers, reports, resumes, outputs, settings });
  const router = new CommandRouter(workflows, executions);
  const gateway = new Gateway({ router, authorizer: d.authorizer ?? localAuthorizer, admission: new Admission(), ledger, metrics: d.metrics, log: d.log, supervision: d.supervision });
  const opened = new Dispatcher({ store, queue: d.queue, state: d.state, gateway, orders, clock, metrics: d.metrics, log: d.log, tenant: settings.tenant, supervision: d.supervision });
  return {
    gateway,
    ledger,
    openCount: () => opened.openCount,
    openRunCount: () => opened.openRunCount,
    async start() {
      await ledger.load();
      dispatcher = opened;
      await opened.start();
    },
    async stop() {
      await opened.stop();
      await ledger.settle();
    },
  };
}
