import type { AnyCommand } from '@maestro/contracts';
import type { StreamName } from '@maestro/domain';
import type { CommandAnswer, CommandEnvelope } from '@maestro/ports';
import { isFault } from '@maestro/ports';
import { awaitPosition } from '@maestro/runtime';
import type { Answer, Observation } from '../history/claim-checks.ts';
import { cancel, envelopeOf, promote, publish, resume, rollBack, saveDraft, start } from './client-commands.ts';
import type { FaultyPorts } from './port-rules.ts';
import { randomManifest } from './random-manifest.ts';
import { choicesFor } from './seeded-choices.ts';
import type { Choices } from './seeded-choices.ts';
import type { Simulation } from './simulation.ts';
import { verifyStored } from './verify-stored.ts';

/** What a conductor may rightly refuse of what these clients ask. Any other refusal is a breach. */
const FAIR_REFUSALS: ReadonlySet<string> = new Set([
  'WORKFLOW_NOT_PUBLISHED', 'PUBLISH_PENDING', 'VERSION_CONFLICT', 'NO_CANDIDATE', 'NO_EARLIER_VERSION', 'EXECUTION_ENDED', 'EXECUTION_RUNNING', 'EXECUTION_NOT_RESUMABLE',
]);
/** Somebody else saved another version as draft meanwhile. */
const isOvertaken = (type: string, code: string): boolean => type === 'workflow.publish.v1' && code === 'VERSION_NOT_FOUND';
const TRIES_MAX = 500;
const PATIENCE_MS = 4_000;
const VIEW_WAIT_MS = 60_000;
const LARGE_INPUT_CHARACTERS = 66_000;

/** One ok answer: the place that it named, and the event that lay there. */
export type Acknowledgement = { readonly commandId: string; readonly position: number; readonly hash: string };
type Sent = { readonly command: AnyCommand; readonly key: string };

export const WORKFLOWS = ['flow-a', 'flow-b'] as const;

/**
 * Somebody who uses the conductor: sends commands, and sends each again, under its key, until it is answered; tells what it
 * was answered and what it saw, for the judge.
 */
export class SimulatedClient {
  readonly answers: Answer[] = [];
  readonly observed: Observation[] = [];
  readonly acknowledged: Acknowledgement[] = [];
  readonly #world: Simulation;
  readonly #actor: string;
  readonly #choices: Choices;
  readonly #runs: string[] = [];
  readonly #sent: Sent[] = [];
  #count = 0;

  constructor(world: Simulation, name: string) {
    this.#world = world;
    this.#actor = `user:${name}`;
    this.#choices = choicesFor(world.seed, name);
  }

  /** First versions, so that there is something to start. */
  async setUp(wide: boolean): Promise<void> {
    for (const workflow of WORKFLOWS) await this.#publish(workflow, '1.0.0', wide && workflow === 'flow-b');
  }

  async run(operations: number): Promise<void> {
    for (let i = 0; i < operations; i += 1) {
      await this.#world.wait(this.#choices.below(3_000));
      await this.#operate();
    }
  }

  async #operate(): Promise<void> {
    const dice = this.#choices.below(100);
    const run = this.#runs.length === 0 ? undefined : this.#choices.pick(this.#runs);
    const workflow = this.#choices.pick(WORKFLOWS);
    if (dice < 45 || run === undefined) return this.#start(workflow);
    if (dice < 56) return void (await this.#ask(cancel(run)));
    if (dice < 66) return void (await this.#ask(resume(run)));
    if (dice < 72) return this.#publish(workflow, `1.${1 + this.#choices.below(4)}.0`, false);
    if (dice < 76) return void (await this.#ask(promote(workflow)));
    if (dice < 79) return void (await this.#ask(rollBack(workflow)));
    if (dice < 82) return this.#asked(({ views }) => views.requestRebuild());
    if (dice < 91) return this.#repeat(this.#choices.pick(this.#sent));
    return this.#look(run);
  }

  async #start(workflow: string): Promise<void> {
    const n = this.#choices.chance(0.03) ? 'x'.repeat(LARGE_INPUT_CHARACTERS) : this.#choices.below(10);
    const rollout = this.#choices.chance(0.3) ? this.#choices.pick(['all', 'canary'] as const) : null;
    const answer = await this.#ask(start(workflow, { inputs: { n }, rollout }));
    if (answer?.kind === 'ok' && this.#choices.chance(0.2)) await this.#readOwnWrite(String(answer.result['executionId']), answer.position);
  }

  async #publish(workflow: string, version: string, wide: boolean): Promise<void> {
    const saved = await this.#ask(saveDraft(randomManifest(this.#choices, workflow, version, wide)));
    if (saved?.kind !== 'ok') return;
    await this.#ask(publish(workflow, version));
    await this.#world.wait(100);
  }

  async #ask(command: AnyCommand): Promise<CommandAnswer | undefined> {
    this.#count += 1;
    const sent = { command, key: `${command.type} ${this.#count}` };
    this.#sent.push(sent);
    return this.#send(sent);
  }

  async #repeat(sent: Sent): Promise<void> {
    this.#world.note(`${this.#actor} repeats ${sent.key}`);
    await this.#send(sent);
  }

  /** Undefined: no answer in many tries, which is a breach. */
  async #send({ command, key }: Sent): Promise<CommandAnswer | undefined> {
    const made = envelopeOf(command, this.#actor, key);
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const envelope = { ...made, commandId: this.#world.planted.commandId?.(made.commandId) ?? made.commandId };
      const answer = await this.#tried(envelope);
      if (answer !== undefined && !(answer.kind === 'refused' && answer.rejection.code === 'CONFLICT_RETRIES_EXHAUSTED')) return this.#told(envelope, key, answer);
      await this.#world.wait(50 + this.#choices.below(500));
    }
    this.#world.breach('UNANSWERED', key, `no answer in ${TRIES_MAX} tries`);
    return undefined;
  }

  /** Undefined: nobody knows what became of it. */
  async #tried(envelope: CommandEnvelope): Promise<CommandAnswer | undefined> {
    const { line, process } = await this.#world.up();
    const patience = this.#world.wait(PATIENCE_MS + this.#choices.below(PATIENCE_MS)).then(() => undefined);
    try {
      const answer = await Promise.race([process.role.gateway.send(envelope), line.died, patience]);
      return answer === 'died' ? undefined : answer;
    } catch (error) {
      if (!isFault(error) || !error.retryable) this.#world.breach('UNEXPECTED_FAULT', envelope.command.type, String(error));
      return undefined;
    }
  }

  #told(envelope: CommandEnvelope, key: string, answer: CommandAnswer): CommandAnswer {
    const { command, commandId } = envelope;
    if (answer.kind === 'refused') {
      const { code, detail } = answer.rejection;
      this.#world.note(`${this.#actor} ${key}: ${code}`);
      if (!FAIR_REFUSALS.has(code) && !isOvertaken(command.type, code)) this.#world.breach('UNEXPECTED_REFUSAL', key, `${code}: ${detail}`);
      return answer;
    }
    this.#world.note(`${this.#actor} ${key}: ok ${answer.position}`);
    const position = Number(answer.position.slice(answer.position.lastIndexOf('.') + 1));
    this.acknowledged.push({ commandId, position, hash: this.#world.disk.log.events[position - 1]?.hash ?? 'nothing' });
    if (command.type === 'execution.start.v1' || command.type === 'execution.resume.v1') {
      const executionId = String(answer.result['executionId']);
      this.answers.push({ key: `${this.#actor} ${key}`, commandId, executionId });
      if (!this.#runs.includes(executionId)) this.#runs.push(executionId);
    }
    return answer;
  }

  async #readOwnWrite(executionId: string, position: string): Promise<void> {
    const row = await this.#asked(async ({ store, views }) => {
      if (!(await awaitPosition(store, views, this.#world.clock, position, VIEW_WAIT_MS))) return 'not yet';
      return (await views.get('execution', [executionId])).has(executionId);
    });
    if (row === false) this.#world.breach('VIEW_BEHIND_POSITION', executionId, 'the query models say that they hold the run, and do not');
  }

  /** A query; undefined: whoever was asked died, or could not answer. */
  async #asked<T>(query: (ports: FaultyPorts) => Promise<T>): Promise<T | undefined> {
    const { line, process } = await this.#world.up();
    try {
      const answer = await Promise.race([query(process.ports), line.died]);
      return line.isCut ? undefined : (answer as T);
    } catch (error) {
      if (!isFault(error) || !error.retryable) this.#world.breach('UNEXPECTED_FAULT', 'a query', String(error));
      return undefined;
    }
  }

  /** Reads the run and its receipt, as far as they are there. */
  async #look(run: string): Promise<void> {
    const page = await this.#asked(({ store }) => store.readStream(`execution-${run}` as StreamName, { direction: 'forward', limit: 1_000 }));
    if (page?.kind !== 'page') return;
    for (const { stream, revision, hash } of page.events) this.observed.push({ stream, revision: Number(revision), hash });
    if (!this.#world.disk.log.streams.has(`receipt-${run}` as StreamName)) return;
    const verdict = await verifyStored(this.#world.disk, run);
    if (verdict !== 'VERIFIED') this.#world.breach('SIGNED_TOO_EARLY', run, `its receipt is shown as signed and is ${verdict}`);
  }
}
