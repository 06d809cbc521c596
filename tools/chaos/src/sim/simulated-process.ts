import { MemoryProcessState, MemoryWorkQueue } from '@maestro/adapter-memory';
import type { Clock, Consumption, Entropy, Log, Metrics } from '@maestro/ports';
import { VALUE_LIMITS } from '@maestro/ports';
import { sha256 } from '@maestro/receipt';
import { ReceiptSealer, ReceiptVerifier, consumePolicyWork, consumeTaskWork, measureAppends, openCommandRole, openSupervision, projectViews } from '@maestro/runtime';
import type { CommandRole, VerifyReceipt } from '@maestro/runtime';
import { faultyPort } from './faulty-port.ts';
import type { Surroundings } from './faulty-port.ts';
import { PORT_RULES } from './port-rules.ts';
import type { FaultyPorts } from './port-rules.ts';
import { DiskEventStore } from './simulated-disk.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

export const TENANT = 'default';
const STOP_GRACE_MS = 5_000;

/** What every life is made of; only `around` is its own. */
export type ProcessParts = {
  readonly disk: SimulatedDisk;
  readonly remote: Pick<FaultyPorts, 'policies' | 'packages' | 'signer'>;
  readonly entropy: Entropy;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly verify: VerifyReceipt;
  readonly around: Surroundings;
  /** false: the head mark is kept, and nobody looks at it */
  readonly comparesMark: boolean;
  /** what a planted fault puts between the ports and the conductor; otherwise nothing */
  readonly swap: (ports: FaultyPorts, clock: Clock) => { readonly ports: FaultyPorts; readonly clock: Clock };
};

/** A loop of this process ended though nobody asked it to. */
export type LoopEnd = { readonly loop: string; readonly error: unknown };

/**
 * One life of a conductor with every role, on what the disk holds: started in the order of a real one, and gone with its
 * lifeline. Commands may come once `start` has resolved.
 */
export class SimulatedProcess {
  readonly #parts: ProcessParts;
  readonly #ports: FaultyPorts;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly loopEnds: LoopEnd[] = [];
  #consumptions: Consumption[] = [];
  #role: CommandRole | undefined;
  #sealer: ReceiptSealer | undefined;
  #verifier: ReceiptVerifier | undefined;
  #projector: Promise<void> = Promise.resolve();

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    const { disk, entropy, around, remote } = parts;
    const raw: FaultyPorts = {
      ...remote,
      store: new DiskEventStore(disk),
      queue: new MemoryWorkQueue({ clock: around.clock, entropy }),
      state: new MemoryProcessState(disk.processes),
      evidence: disk.evidence,
      views: disk.views,
      vault: disk.vault,
    };
    const { ports, clock } = parts.swap(raw, around.clock);
    this.#clock = clock;
    this.#ports = allFaulty(ports, around);
  }

  get ports(): FaultyPorts {
    return this.#ports;
  }

  /** Throws before `start` has resolved. */
  get role(): CommandRole {
    if (this.#role === undefined) throw new Error('the process has not started');
    return this.#role;
  }

  /** Nothing is open, and nothing waits for a receipt. */
  get isIdle(): boolean {
    return this.#role?.openCount() === 0 && this.#sealer?.dueCount === 0;
  }

  /** Rejects with whatever a start of a real process would fail for. */
  async start(): Promise<void> {
    const { disk, metrics, log, entropy } = this.#parts;
    if (this.#parts.comparesMark) disk.compareWithMark();
    const clock = this.#clock;
    const supervision = await openSupervision({ ...this.#ports, clock, metrics, log });
    const store = measureAppends(this.#ports.store, { clock, metrics });
    const shared = { ...this.#ports, store, clock, entropy, metrics, log, supervision, tenant: TENANT, pause: async () => undefined };
    const role = openCommandRole({ ...shared, authorizer: { authorize: async () => ({ kind: 'allowed' }) }, settings: settings() });
    await role.start();
    const { gateway } = role;
    this.#consumptions = [
      consumePolicyWork({ ...shared, gateway }),
      consumeTaskWork({ ...shared, gateway, runner: 'runner:simulated', classes: ['small', 'medium', 'large'], concurrencyMax: 16 }),
    ];
    this.#projector = projectViews(shared, this.#abort.signal).catch((error: unknown) => void this.loopEnds.push({ loop: 'projector', error }));
    this.#sealer = new ReceiptSealer(shared);
    await this.#sealer.start();
    this.#verifier = new ReceiptVerifier({ ...shared, verify: this.#parts.verify });
    await this.#verifier.start();
    this.#role = role;
  }

  /** As on SIGTERM. */
  async stop(): Promise<void> {
    await Promise.all(this.#consumptions.map((one) => one.stop(STOP_GRACE_MS)));
    this.#abort.abort();
    await this.#projector;
    await this.#verifier?.stop();
    await this.#sealer?.stop();
    await this.#role?.stop();
  }
}

function allFaulty(ports: FaultyPorts, around: Surroundings): FaultyPorts {
  const wrapped = Object.entries(PORT_RULES).map(([name, rules]) => [name, faultyPort(ports[name as keyof FaultyPorts], name, rules as never, around)]);
  return Object.fromEntries(wrapped) as FaultyPorts;
}

function settings(): Parameters<typeof openCommandRole>[0]['settings'] {
  return {
    tenant: TENANT,
    prices: { digest: sha256('prices'), microUsdPerSecond: { small: 11, medium: 23, large: 47 } },
    region: null,
    requireRegion: false,
    conductorUrl: () => 'http://127.0.0.1:1',
    environment: { maestro: '0.1.0', build: 'simulated', node: '24.21.0', profile: 'embedded', store: 'memory', storeVersion: '1', durability: 'none', queue: 'memory', policyEngine: 'scripted 1/1', region: null, acceptedRisks: [] },
    inputBytesMax: VALUE_LIMITS.inputBytesMax,
  };
}
