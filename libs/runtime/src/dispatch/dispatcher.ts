import { intentsOf } from '@maestro/domain';
import type { Intent, Json, Recorded } from '@maestro/domain';
import type { AnyCommand } from '@maestro/contracts';
import type { Clock, CommandAnswer, CommandGateway, Cursor, EventStore, Log, Metrics, ProcessState, Tracer, WakeUps, Work, WorkQueue } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import { internalCommandId } from '../commands/command-ids.ts';
import { UndecidedError, isUndecided } from '../commands/undecided.ts';
import { followEvents } from '../follow-events.ts';
import { StreamFailure } from '../supervision/stream-failure.ts';
import type { Supervision } from '../supervision/supervision.ts';
import { inSpan } from '../tracing/in-span.ts';
import { DueSinceSeen, dueByWallClock } from './due-times.ts';
import type { DueTimes } from './due-times.ts';
import { IntentBook } from './intent-book.ts';
import { RunTurns } from './run-turns.ts';
import { TimerWakeUps } from './timer-wake-ups.ts';
import type { Dispatched } from './run-turns.ts';
import type { PolicyOrder, TaskOrder, Unbound, WorkOrders } from './work-orders.ts';

/** An open intent that was not published by then is published by the safe path. */
export const UNCONFIRMED_MS = 2_000;
/** What failed for a reason that will not pass by itself is tried again this much later. */
const UNLIKELY_MS = 60_000;
const WRITE_EVERY_MS = 200;
/** How often what the queue holds is compared with what was handed out to it, where the queue may lose work. */
export const RECONCILE_MS = 30_000;
/** What it cannot hand out is set aside apart from what it cannot fold, since it is tried again all the time. */
const HANDING_OUT = 'handing-out';
/** One process is all there is: it has handed out what it appended before it folds it. */
const ALONE: DispatcherShare = { name: 'dispatcher', stateName: 'intents', handOutFoldedAfterMs: UNCONFIRMED_MS };

/** What of all streams a dispatcher is for; the store that it is given shows it no others. */
export type DispatcherShare = {
  readonly name: string;
  /** of its rows in the process state */
  readonly stateName: string;
  /** what is folded and not handed out waits so long, milliseconds: where others append too, they do not hand out for this one */
  readonly handOutFoldedAfterMs: number;
};

type Dependencies = {
  readonly store: EventStore;
  readonly queue: WorkQueue;
  readonly state: ProcessState;
  readonly gateway: CommandGateway;
  readonly orders: WorkOrders;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly tenant: string;
  readonly supervision?: Supervision | undefined;
  readonly tracer?: Tracer | undefined;
  /** absent: only this process's own clock says when to look at a timer */
  readonly wakeUps?: WakeUps | undefined;
  /** absent: all streams */
  readonly share?: DispatcherShare;
};

/**
 * Hands out what events ask for, and fires timers.
 * D1. The fast path publishes right after the append of this process; it may be skipped, never trusted.
 * D2. The safe path folds all events. At its start it publishes every open intent; later each one that is still open
 *     and unpublished after UNCONFIRMED_MS. One that it knows to be closed is never published.
 * D3. Publishing twice is harmless: the queue takes an intent once while it has it, and the run refuses a second report.
 * D4. A timer is armed when its event is folded and disarmed when the intent closes; firing it is a command, sent not
 *     before it is due (due-times.ts), and again until it is answered for good.
 * D5. What could not be handed out stays open, and is tried again for as long as it does; its slot goes to the next.
 * D6. Of one run at most IN_FLIGHT_MAX intents of a kind are in the queue or with a consumer, so that runs take turns; a
 *     slot is free as soon as this process appended what closes its intent, or folded it.
 * D7. Where the queue may lose work while this process lives, all that is handed out is published again as soon as the queue
 *     says so, and every RECONCILE_MS where it holds less than was handed out. D3 makes that harmless.
 * D8. A wake-up is a hint to look at a timer again: whether it is due says this process, as always.
 */
export class Dispatcher {
  readonly #d: Dependencies;
  readonly #share: DispatcherShare;
  readonly #book: IntentBook;
  readonly #turns = new RunTurns();
  readonly #timers = new Map<string, () => void>();
  readonly #dueTimes: DueTimes;
  readonly #wakeUps: TimerWakeUps | undefined;
  readonly #abort = new AbortController();
  #recovering = true;
  #loop: Promise<void> | undefined;
  #cancelWrite: (() => void) | undefined;
  #cancelReconcile: (() => void) | undefined;
  #endLost: (() => void) | undefined;
  #cursor: string | null = null;

  constructor(dependencies: Dependencies) {
    this.#d = dependencies;
    this.#share = dependencies.share ?? ALONE;
    this.#book = new IntentBook(dependencies.state, this.#share.stateName);
    const { wakeUps, log, clock, share } = dependencies;
    this.#dueTimes = share === undefined ? dueByWallClock(clock) : new DueSinceSeen(clock);
    this.#wakeUps = wakeUps && new TimerWakeUps(wakeUps, this.#share.name, log);
  }

  /** Fast path: events that this process has just appended. */
  appended(events: readonly Recorded[]): void {
    for (const recorded of events) {
      const { opens, closes } = intentsOf(recorded);
      for (const close of closes) this.#handOut(this.#turns.close(recorded.stream, close));
      for (const intent of opens) if (intent.kind !== 'timer') this.#offer(intent);
    }
  }

  /**
   * Folds on from the last write, publishes all that is open, then follows. Resolves once it has folded all that was there when it began:
   * under steady load there is always something newer.
   */
  async start(): Promise<void> {
    this.#cursor = await this.#book.load();
    for (const intent of this.#book.all()) this.#arm(intent);
    this.#endLost = this.#d.queue.onLost?.(() => this.#refill('the queue lost its work'));
    if (this.#endLost !== undefined) this.#reconcileLater();
    this.#wakeUps?.follow((key) => this.#lookAgain(key));
    await new Promise<void>((resolve, reject) => {
      let end: Cursor | undefined;
      const after = this.#cursor;
      const filter = { categories: ['execution', 'workflow'] };
      const isAwaited = (cursor: Cursor): boolean => this.#recovering && end !== undefined && this.#d.store.compare(cursor, end) >= 0;
      const { clock, log, supervision } = this.#d;
      this.#loop = followEvents(this.#d.store, { after, filter, signal: this.#abort.signal, clock, log, name: this.#share.name, supervision, isAwaited }, async ({ events, cursor, caughtUp }) => {
        for (const recorded of events) this.#foldSafely(recorded);
        this.#cursor = cursor;
        await this.#writeSoon();
        if (this.#recovering && (caughtUp || isAwaited(cursor))) resolve(this.#recover());
      }).catch((error: unknown) => {
        this.#d.log.log('error', 'the dispatcher stopped', { error });
        reject(error as Error);
      });
      // asked to stop before it got through
      this.#abort.signal.addEventListener('abort', () => resolve());
      // an empty store has no batch to wait for
      void this.#d.store.head().then((head) => (head === null ? resolve(this.#recover()) : (end = head)), (error: unknown) => (isFault(error) && error.retryable ? undefined : reject(error as Error)));
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    this.#cancelWrite?.();
    this.#cancelReconcile?.();
    this.#endLost?.();
    await this.#wakeUps?.stop();
    for (const disarm of this.#timers.values()) disarm();
    await this.#write();
  }

  get openCount(): number {
    return this.#book.openCount;
  }

  get openRunCount(): number {
    return this.#book.openRunCount;
  }

  async #recover(): Promise<void> {
    if (!this.#recovering || this.#abort.signal.aborted) return;
    this.#recovering = false;
    // the oldest first, so that who is killed over and over before it gets through leaves nobody behind for good
    const open = [...this.#book.all()].filter((intent) => intent.kind !== 'timer');
    for (const intent of open.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)))) this.#offer(intent);
  }

  /** What is with the queue by what this process knows; scheduling more goes through the gateway. */
  #handedOutWork(): readonly Dispatched[] {
    return [...this.#turns.handedOut()].filter(({ kind }) => kind !== 'schedule-more');
  }

  #refill(why: string): void {
    const work = this.#handedOutWork();
    if (this.#abort.signal.aborted || work.length === 0) return;
    this.#d.log.log('warn', `${why}: what is open is published again`, { count: work.length });
    this.#d.metrics.count('mc_work_refilled_total', work.length);
    for (const intent of work) void this.#publish(intent);
  }

  #reconcileLater(): void {
    this.#cancelReconcile = this.#d.clock.after(RECONCILE_MS, () => {
      void this.#reconcile().finally(() => {
        if (!this.#abort.signal.aborted) this.#reconcileLater();
      });
    });
  }

  /** What is in hand of a consumer that reports just now looks missing for a moment: harmless, since it is closed by then. */
  async #reconcile(): Promise<void> {
    try {
      const { queue } = this.#d;
      const parked = new Set((await queue.parked()).map(({ intentId }) => intentId));
      const depths = await Promise.all([queue.depth('policy'), queue.depth('task')]);
      const known = depths.reduce((sum, { waiting, leased }) => sum + waiting + leased, 0);
      if (known < this.#handedOutWork().filter(({ eventId }) => !parked.has(eventId)).length) this.#refill('the queue holds less than was handed out');
    } catch (error) {
      this.#d.log.log('debug', 'the queue could not be asked what it holds', { error });
    }
  }

  #foldSafely(recorded: Recorded): void {
    try {
      this.#fold(recorded);
    } catch (error) {
      throw new StreamFailure(recorded.stream, error);
    }
  }

  #fold(recorded: Recorded): void {
    const { opened, closed } = this.#book.fold(recorded);
    for (const intent of closed) this.#disarm(intent);
    for (const intent of opened) if (intent.kind === 'timer') this.#wakeUps?.set(intent, this.#delayOf(intent));
    if (recorded.event.type === 'execution.cancel-requested.v1') this.#signalCancel(recorded.stream);
    if (recorded.event.type === 'execution.started.v1') this.#observeStart(recorded);
    if (isAnswerOfPolicy(recorded)) this.#dueTimes.policyAnswered();
    if (!this.#recovering) for (const intent of opened) this.#arm(intent, this.#delayFolded(intent));
    else for (const intent of opened) if (intent.kind === 'timer') this.#arm(intent);
  }

  #arm(intent: Intent, delayMs = this.#delayOf(intent)): void {
    if (this.#abort.signal.aborted || (intent.kind !== 'timer' && this.#turns.holds(intent))) return;
    this.#timers.get(intent.key)?.();
    const cancel = this.#d.clock.after(delayMs, () => {
      this.#timers.delete(intent.key);
      if (!this.#book.has(intent)) return;
      if (intent.kind !== 'timer') this.#offer(intent);
      // long ones are armed in steps, and a clock may have been set back meanwhile: never early
      else if (this.#delayOf(intent) > 0) this.#arm(intent);
      else void this.#fire(intent);
    });
    this.#timers.set(intent.key, cancel);
  }

  #lookAgain(key: string): void {
    for (const intent of this.#book.ofStream(key.slice(0, key.indexOf('/')))) if (intent.key === key && intent.kind === 'timer') this.#arm(intent);
  }

  #delayOf(intent: Intent): number {
    if (intent.kind !== 'timer') return UNCONFIRMED_MS;
    return this.#dueTimes.delayMs(intent);
  }

  #delayFolded(intent: Intent): number {
    return intent.kind === 'timer' ? this.#delayOf(intent) : this.#share.handOutFoldedAfterMs;
  }

  #disarm(intent: Intent): void {
    this.#timers.get(intent.key)?.();
    this.#timers.delete(intent.key);
    if (intent.kind === 'timer') {
      this.#dueTimes.forget(intent);
      return this.#wakeUps?.cancel(intent);
    }
    this.#handOut(this.#turns.release(intent));
    if (intent.kind === 'task') void this.#d.queue.revoke([intent.eventId]);
  }

  /** The seed's objective: from the accepted request, which opened the run's limit, to its first task. */
  #observeStart({ stream, at }: Recorded): void {
    for (const { key, at: requestedAt } of this.#book.ofStream(stream)) {
      if (key.endsWith('/limit')) this.#d.metrics.observe('mc_publish_to_start_ms', Date.parse(at) - Date.parse(requestedAt));
    }
  }

  /** What runs gets its signal now; what still waits is taken back, and ends when the grace does. */
  #signalCancel(stream: string): void {
    this.#handOut(this.#turns.dropWaitingTasks(stream));
    const tasks = [...this.#book.ofStream(stream)].filter(({ kind }) => kind === 'task').map(({ eventId }) => eventId);
    if (tasks.length > 0) void this.#d.queue.revoke(tasks);
  }

  #offer(intent: Dispatched): void {
    this.#handOut(this.#turns.offer(intent));
  }

  #handOut(admitted: readonly Dispatched[]): void {
    for (const intent of admitted) void this.#publish(intent);
  }

  async #publish(intent: Dispatched): Promise<void> {
    let againMs = UNCONFIRMED_MS;
    try {
      if (intent.kind === 'schedule-more') return await this.#continueScheduling(intent);
      if (await this.#publishWork(intent)) return this.#d.supervision?.quarantine.clear(HANDING_OUT, intent.stream);
    } catch (error) {
      const willPass = isPassing(error);
      if (!willPass) {
        againMs = UNLIKELY_MS;
        this.#d.supervision?.quarantine.setAside(HANDING_OUT, intent.stream, error);
      }
      if (!this.#abort.signal.aborted) this.#d.log.log(willPass ? 'debug' : 'error', 'an intent could not be handed out', { intent: intent.key, error });
    }
    this.#handOut(this.#turns.release(intent));
    // where its event was not folded yet, folding it arms it
    if (this.#book.has(intent)) this.#arm(intent, againMs);
  }

  /** False: the run as it is known here does not want it, or not yet. */
  async #publishWork(intent: Extract<Intent, { kind: 'policy-check' | 'task' }>): Promise<boolean> {
    const order = intent.kind === 'task' ? await this.#d.orders.taskOrder(intent) : await this.#d.orders.policyOrder(intent);
    if (order === undefined) return false;
    if ('kind' in order) {
      await this.#failBinding(intent, order);
      return true;
    }
    // closed while its order was made
    if (!this.#turns.holds(intent)) return true;
    const attributes = { 'maestro.stream': intent.stream, 'maestro.intent.id': intent.eventId };
    await inSpan(this.#d.tracer, `hand out ${intent.kind}`, { parent: intent.traceparent, kind: 'producer', attributes }, () => this.#d.queue.publish([workOf(intent, order)]));
    this.#d.metrics.count('mc_work_published_total', 1, { kind: intent.kind });
    return true;
  }

  async #failBinding(intent: Intent, { taskId, attempt, code, message, checkId }: Unbound): Promise<void> {
    const executionId = intent.stream.slice('execution-'.length);
    await this.#send(intent, 'fail-binding', { type: 'execution.fail-binding.v1', payload: { executionId, taskId, attempt, checkId, code, message } });
  }

  async #continueScheduling(intent: Intent): Promise<void> {
    const executionId = intent.stream.slice('execution-'.length);
    await this.#send(intent, 'continue-scheduling', { type: 'execution.continue-scheduling.v1', payload: { executionId, deferredRevision: intent.revision } });
  }

  async #fire(intent: Extract<Intent, { kind: 'timer' }>): Promise<void> {
    const { timer, stream } = intent;
    const id = stream.slice(stream.indexOf('-') + 1);
    const command: AnyCommand =
      stream.startsWith('workflow-') && timer.kind === 'policy-deadline'
        ? { type: 'workflow.fire-timer.v1', payload: { workflowId: id, checkId: timer.checkId } }
        : { type: 'execution.fire-timer.v1', payload: { executionId: id, timer } };
    try {
      const answer = await this.#send(intent, `fire-${timer.kind}`, command);
      // too early by the run's own clock: still open, so it is asked again
      if (answer.kind === 'refused' && answer.rejection.code === 'TIMER_NOT_OPEN' && this.#book.has(intent)) this.#arm(intent, UNCONFIRMED_MS);
    } catch (error) {
      this.#d.log.log('warn', 'a timer could not be fired and is armed again', { intent: intent.key, error });
      this.#arm(intent, isPassing(error) ? UNCONFIRMED_MS : UNLIKELY_MS);
    }
  }

  /** Throws where the command was not decided on. Any other refusal is an answer. */
  async #send(intent: Intent, verb: string, command: AnyCommand): Promise<CommandAnswer> {
    const commandId = internalCommandId(intent.eventId, verb);
    const correlationId = intent.traceparent ?? intent.stream;
    const answer = await this.#d.gateway.send({ command, commandId, tenant: this.#d.tenant, actor: 'role:command', correlationId, causationId: intent.eventId });
    if (answer.kind === 'refused' && isUndecided(answer.rejection)) throw new UndecidedError(answer.rejection);
    return answer;
  }

  /** Written after a while or when much was folded; a crash before only means folding again. */
  async #writeSoon(): Promise<void> {
    if (this.#book.isDue) return this.#write();
    this.#cancelWrite ??= this.#d.clock.after(WRITE_EVERY_MS, () => {
      this.#cancelWrite = undefined;
      void this.#write();
    });
  }

  /** What cannot be written now is written with what changes next. */
  async #write(): Promise<void> {
    if (this.#cursor === null) return;
    try {
      await this.#book.write(this.#cursor);
    } catch (error) {
      this.#d.log.log('error', 'open intents could not be written', { error });
    }
  }
}

/** A deadline that was over also ends in a decision. */
function isAnswerOfPolicy({ event }: Recorded): boolean {
  const isDecision = event.type === 'execution.policy-decided.v1' || event.type === 'workflow.policy-decided.v1';
  return isDecision && event.data.reason !== 'POLICY_UNAVAILABLE';
}

/** Whether trying again soon is likely to help. */
function isPassing(error: unknown): boolean {
  return error instanceof UndecidedError ? error.willPass : isFault(error) && error.retryable;
}

function workOf(intent: Intent, order: PolicyOrder | TaskOrder): Work {
  const isTask = intent.kind === 'task';
  return {
    kind: isTask ? 'task' : 'policy',
    intentId: intent.eventId,
    workClass: 'workClass' in order ? String(order.workClass) : 'default',
    executionId: intent.stream,
    payload: order as unknown as Json,
    ...(intent.traceparent === undefined ? {} : { traceparent: intent.traceparent }),
  };
}
