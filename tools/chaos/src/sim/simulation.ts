import { Lifeline, seededEntropy } from '@maestro/adapter-memory';
import type { Log, Metrics } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import { FaultPlan } from './fault-plan.ts';
import { noPlant } from './plant.ts';
import type { Plant, Planted } from './plant.ts';
import { verifyStored } from './verify-stored.ts';
import { ScriptedPackages } from './scripted-packages.ts';
import { ScriptedPolicies, ScriptedSigner } from './scripted-policies.ts';
import { choicesFor } from './seeded-choices.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedProcess } from './simulated-process.ts';

/** A promise that is broken, seen while the simulation ran or after it. */
export type Breach = { readonly code: string; readonly where: string; readonly detail: string };

export type Life = { readonly line: Lifeline; readonly process: SimulatedProcess; isUp: boolean };

const RESTART_MS_MAX = 2_000;
/** More starts than this in one simulation: the conductor does not come up any more. */
const LIVES_MAX = 500;
/** Turns of the event loop in one simulation, at most: something goes round and round. */
const TURNS_MAX = 400_000;

/**
 * The world around one conductor: time, chance, what outlives a process, and somebody who starts it again.
 * W1. Nothing moves but by `drive`: all that needs no time runs, then time goes to the next timer.
 * W2. Whatever is chosen, is chosen from the seed; so the same seed makes the same trace, line by line.
 * W3. A process that dies, or that cannot start, is started again some time later on what the disk holds.
 */
export class Simulation {
  readonly seed: number;
  readonly clock = new SimulatedClock();
  readonly trace: string[] = [];
  readonly breaches: Breach[] = [];
  readonly plan: FaultPlan;
  readonly disk: SimulatedDisk;
  readonly planted: Planted;
  isDiskFull = false;
  /** starts of a process */
  lives = 0;
  failedStarts = 0;
  noticedLosses = 0;
  attempts = 0;
  #turns = 0;
  #isDone = false;
  #life: Life | undefined;
  #waiting: ((life: Life) => void)[] = [];
  readonly #entropy: ReturnType<typeof seededEntropy>;
  readonly #restarts = choicesFor(0, 'restarts');
  readonly #remote: ConstructorParameters<typeof SimulatedProcess>[0]['remote'];

  constructor(seed: number, plant: Plant = noPlant) {
    this.seed = seed;
    this.#entropy = seededEntropy(seed);
    this.plan = new FaultPlan(choicesFor(seed, 'faults'));
    this.disk = new SimulatedDisk(this.clock, this.#entropy, (line) => this.note(line));
    this.planted = plant.in({ disk: this.disk, clock: this.clock, choices: choicesFor(seed, 'plant') });
    const attempted = ({ executionId, taskId, attempt }: { executionId: string; taskId: string; attempt: number }): void => {
      this.attempts += 1;
      this.note(`attempt ${executionId} ${taskId}/${attempt}`);
    };
    const denying = choicesFor(seed, 'policy');
    this.#remote = {
      policies: new ScriptedPolicies((stage) => this.plan.isOn && stage !== 'publish' && denying.chance(0.01)),
      packages: new ScriptedPackages({ seed, clock: this.clock, attempted }),
      signer: new ScriptedSigner(),
    };
  }

  note(line: string): void {
    this.trace.push(`${this.clock.elapsedMs} ${line}`);
  }

  breach(code: string, where: string, detail: string): void {
    this.note(`breach ${code} ${where} ${detail}`);
    this.breaches.push({ code, where, detail });
  }

  /** The process that serves, as soon as there is one. */
  up(): Promise<Life> {
    const life = this.#life;
    if (life?.isUp === true && !life.line.isCut) return Promise.resolve(life);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The process that serves now; undefined: none does. */
  get serving(): Life | undefined {
    return this.#life?.isUp === true && !this.#life.line.isCut ? this.#life : undefined;
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }

  start(): void {
    this.lives += 1;
    if (this.lives > LIVES_MAX) return this.#giveUp(`it did not come up for good in ${LIVES_MAX} starts`);
    const line = new Lifeline();
    const around = { line, clock: line.clock(this.clock), plan: this.plan, isDiskFull: () => this.isDiskFull, crash: () => this.crash(), note: (text: string) => this.note(text) };
    const process = new SimulatedProcess({
      disk: this.disk,
      remote: this.#remote,
      entropy: this.#entropy,
      metrics: NO_METRICS,
      log: this.#logOf(line),
      verify: async (executionId) => ({ verdict: await verifyStored(this.disk, executionId) }),
      around,
      comparesMark: this.planted.ignoresMark !== true,
      swap: this.planted.swap ?? ((ports, clock) => ({ ports, clock })),
    });
    const life: Life = { line, process, isUp: false };
    this.#life = life;
    this.note(`start ${this.lives}`);
    void line.died.then(() => void this.clock.after(1 + this.#restarts.below(RESTART_MS_MAX), () => this.start()));
    process.start().then(() => this.#isUp(life), (error: unknown) => this.#failedToStart(life, error));
  }

  /** The process is gone at once, as by SIGKILL. */
  crash(): void {
    const life = this.#life;
    if (life === undefined || life.line.isCut) return;
    this.note('crash');
    life.line.cut();
    this.planted.onCrash?.();
  }

  /** The process is asked to stop, and is gone when it has. */
  async stop(): Promise<void> {
    const life = this.serving;
    if (life === undefined) return;
    life.isUp = false;
    this.note('stop');
    await Promise.race([life.process.stop(), life.line.died]);
    if (!life.line.isCut) this.crash();
  }

  /** Goes on until `isOver`, for at most so long; false: it is not over. */
  async drive(isOver: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
    const endMs = this.clock.elapsedMs + withinMs;
    for (;;) {
      this.#turns += 1;
      await new Promise((resolve) => setImmediate(resolve));
      this.#lookAtLoops();
      if (await isOver()) return true;
      if (this.#turns > TURNS_MAX || this.#isDone || this.clock.elapsedMs > endMs || !this.clock.step()) return false;
    }
  }

  /** It will not come up by itself, and nobody waits for it any more. */
  #giveUp(why: string): void {
    this.#isDone = true;
    this.breach('START_REFUSED', 'process', why);
  }

  #isUp(life: Life): void {
    if (life.line.isCut) return;
    this.note('up');
    life.isUp = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(life);
  }

  #failedToStart(life: Life, error: unknown): void {
    if (life.line.isCut) return;
    this.failedStarts += 1;
    this.note(`start failed ${isFault(error) ? error.code : String(error)}`);
    if (isFault(error, 'STORE_BEHIND_MARK')) {
      this.noticedLosses += 1;
      this.disk.restore();
    } else if (!isFault(error) || !error.retryable) return this.#giveUp(String(error));
    life.line.cut();
  }

  #lookAtLoops(): void {
    const { loopEnds = [] } = this.#life?.process ?? {};
    for (const { loop, error } of loopEnds.splice(0)) this.breach('LOOP_STOPPED', loop, String(error));
  }

  #logOf(line: Lifeline): Log {
    return {
      log: (level, message, fields = {}) => {
        if (level !== 'error' || line.isCut) return;
        const error = fields['error'];
        this.note(`log ${message} ${String(error)}`);
        if (/\bstopped\b/.test(message)) this.breach('LOOP_STOPPED', message, String(error));
        else if (error !== undefined && !isFault(error)) this.breach('BUG', message, String(error));
      },
    };
  }
}

const NO_METRICS: Metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
