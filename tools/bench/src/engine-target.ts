import { randomBytes, randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { verifyBundle } from '@maestro/adapter-sigstore';
import type { AnyCommand } from '@maestro/contracts';
import { parseExecutionId } from '@maestro/domain';
import type { JsonObject } from '@maestro/domain';
import { VALUE_LIMITS } from '@maestro/ports';
import type { CommandAnswer, Log, Metrics } from '@maestro/ports';
import { ReceiptSealer, consumePolicyWork, consumeTaskWork, openCommandRole, projectViews, readReceipt } from '@maestro/runtime';
import type { CommandRole } from '@maestro/runtime';
import { benchEnvironment, openEnginePorts } from './engine-ports.ts';
import type { EnginePorts } from './engine-ports.ts';
import { processUsage } from './process-usage.ts';
import { RunWatch } from './run-watch.ts';
import type { EndedRun, Sealed, Target, Usage } from './target.ts';

const TENANT = 'default';
/** As a conductor has it. */
const TASKS_MAX = 64;
const STOP_GRACE_MS = 1_000;
const LOOP_RESOLUTION_MS = 5;

const metrics: Metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
const log: Log = { log: (level, message, fields) => (level === 'error' || level === 'warn' ? process.stderr.write(`${level}: ${message} ${JSON.stringify(fields ?? {})}\n`) : undefined) };

/** All roles of the embedded profile in this process, without HTTP and without Nest. Opened with `open`. */
export class EngineTarget implements Target {
  readonly name = 'engine';
  readonly says = 'runtime and adapters in this process, commands through the gateway';
  readonly #ports: EnginePorts;
  readonly #role: CommandRole;
  readonly #watch: RunWatch;
  readonly #stop: () => Promise<void>;
  readonly #delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });

  private constructor(ports: EnginePorts, role: CommandRole, watch: RunWatch, stop: () => Promise<void>) {
    this.#ports = ports;
    this.#role = role;
    this.#watch = watch;
    this.#stop = stop;
    this.#delay.enable();
  }

  static async open(dir: string): Promise<EngineTarget> {
    const ports = await openEnginePorts(dir);
    const environment = benchEnvironment(ports.policies.active().engine);
    const settings = { prices: ports.prices, region: null, conductorUrl: () => null, environment, inputBytesMax: VALUE_LIMITS.inputBytesMax, tenant: TENANT, requireRegion: false };
    const role = openCommandRole({ ...ports, metrics, log, settings });
    const shared = { ...ports, metrics, log, tenant: TENANT, gateway: role.gateway };
    await role.start();
    const policy = consumePolicyWork(shared);
    const tasks = consumeTaskWork({ ...shared, runner: 'runner:embedded', classes: ['small', 'medium', 'large'], concurrencyMax: TASKS_MAX });
    const sealer = new ReceiptSealer(shared);
    await sealer.start();
    const abort = new AbortController();
    const projecting = projectViews(shared, abort.signal);
    const watch = new RunWatch(ports.store);
    const stop = async (): Promise<void> => {
      await policy.stop(STOP_GRACE_MS);
      await tasks.stop(STOP_GRACE_MS);
      await sealer.stop();
      await role.stop();
      abort.abort();
      await projecting;
      await watch.stop();
      await ports.close();
    };
    return new EngineTarget(ports, role, watch, stop);
  }

  async publish(manifest: object): Promise<void> {
    const { name } = manifest as { readonly name: string };
    await this.#send({ type: 'workflow.save-draft.v1', payload: { manifest: manifest as JsonObject } });
    const published = this.#watch.published(name);
    const { result } = await this.#send({ type: 'workflow.publish.v1', payload: { workflowId: name, version: null } });
    // the same version again is answered from what is there
    if (typeof result['channel'] !== 'string') await published;
  }

  async run(workflowId: string): Promise<EndedRun> {
    const executionId = randomUUID();
    const ended = this.#watch.ended(executionId);
    const startedMs = performance.now();
    await this.#send({ type: 'execution.start.v1', payload: { executionId, workflowId, version: null, inputs: {}, rollout: null, region: null } });
    return { executionId, startedMs, ...(await ended) };
  }

  async receipt(executionId: string): Promise<number> {
    await this.#watch.signed(executionId);
    await this.#bundle(executionId);
    return performance.now();
  }

  sealed(): Promise<Sealed> {
    return this.#watch.allSigned();
  }

  async verifies(executionId: string): Promise<boolean> {
    const { key } = this.#ports.signer;
    const bundle: unknown = JSON.parse(Buffer.from(await this.#bundle(executionId)).toString('utf8'));
    return verifyBundle(bundle, (keyId) => (keyId === key.keyId ? key : undefined)).ok;
  }

  usage(): Promise<Usage> {
    const loopDelayP99Ms = this.#delay.percentile(99) / 1e6;
    this.#delay.reset();
    return Promise.resolve({ ...processUsage(process.pid), loopDelayP99Ms });
  }

  async close(): Promise<void> {
    this.#delay.disable();
    await this.#stop();
  }

  async #bundle(executionId: string): Promise<Uint8Array> {
    const id = parseExecutionId(executionId);
    const found = id === undefined ? undefined : await readReceipt(this.#ports.store, this.#ports.evidence, id);
    if (found?.kind !== 'receipt') throw new Error(`the receipt of ${executionId} was signed and cannot be fetched`);
    return found.bundle;
  }

  async #send(command: AnyCommand): Promise<Extract<CommandAnswer, { kind: 'ok' }>> {
    const commandId = randomBytes(32).toString('hex');
    const answer = await this.#role.gateway.send({ command, commandId, tenant: TENANT, actor: 'user:local', correlationId: 'bench', causationId: null });
    if (answer.kind === 'refused') throw new Error(`${command.type}: ${answer.rejection.code}: ${answer.rejection.detail}`);
    return answer;
  }
}
