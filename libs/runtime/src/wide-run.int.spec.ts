import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryEventStore, MemoryEvidenceStore, MemoryKeyVault, MemoryProcessState, MemoryWorkQueue, seededEntropy, systemClock } from '@maestro/adapter-memory';
import { openSqliteEventStore, openSqliteProcessState } from '@maestro/adapter-sqlite';
import type { Recorded, StreamName } from '@maestro/domain';
import type { CommandEnvelope, EventStore, NewEvent, ProcessState, Work, WorkQueue } from '@maestro/ports';
import { manifest, publish, saveDraft, start, task } from '../fixtures/commands.ts';
import { CountingSigner, ScriptedPackages, ScriptedPolicies } from '../fixtures/scripted-ports.ts';
import { settings } from '../fixtures/world.ts';
import { openCommandRole } from './commands/command-role.ts';
import { loadStream, recordedOf } from './recorded-events.ts';
import { consumePolicyWork } from './work/consume-policy-work.ts';
import { consumeTaskWork } from './work/consume-task-work.ts';
import { ReceiptSealer } from './work/seal-receipts.ts';

const TEST_MAX_MS = 120_000;
const quiet = { log: () => undefined };
const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };

type Stores = { readonly store: EventStore; readonly state: ProcessState };

/** Counts tasks that were handed out and have no result in the store yet. */
class InFlight {
  most = 0;
  #count = 0;

  queue(queue: WorkQueue): WorkQueue {
    return after(queue, 'publish', ([work]) => {
      this.#count += (work as readonly Work[]).filter(({ kind }) => kind === 'task').length;
      this.most = Math.max(this.most, this.#count);
    });
  }

  store(store: EventStore): EventStore {
    return after(store, 'append', ([, , events]) => {
      this.#count -= (events as readonly NewEvent[]).filter(({ type }) => type === 'execution.task-succeeded.v1').length;
    });
  }
}

/** Tells of each call of one method that took effect, before its caller hears of it. */
function after<T extends object>(port: T, name: string, tell: (args: readonly unknown[]) => void): T {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const method = (value as (...args: unknown[]) => Promise<unknown>).bind(target);
      if (key !== name) return method;
      return async (...args: unknown[]) => {
        const answer = await method(...args);
        tell(args);
        return answer;
      };
    },
  });
}

/** Runs 1 → 998 → 1 through the real loops; answers its events once its receipt is signed. */
async function wideRun(stores: Stores): Promise<{ readonly events: readonly Recorded[]; readonly commits: readonly number[]; readonly most: number; readonly calls: number }> {
  const inFlight = new InFlight();
  const inner = new MemoryWorkQueue({ clock: systemClock, entropy: seededEntropy('queue') });
  const queue = inFlight.queue(inner);
  const store = inFlight.store(stores.store);
  const { state } = stores;
  const packages = new ScriptedPackages();
  const shared = { store, state, queue, packages, policies: new ScriptedPolicies(), vault: new MemoryKeyVault(), evidence: new MemoryEvidenceStore(), signer: new CountingSigner(), clock: systemClock, entropy: seededEntropy('wide'), metrics, log: quiet, tenant: 'default' };
  const role = openCommandRole({ ...shared, settings: settings() });
  await role.start();
  const { gateway } = role;
  const send = async (envelope: CommandEnvelope): Promise<string> => {
    const answer = await gateway.send(envelope);
    if (answer.kind === 'refused') throw new Error(JSON.stringify(answer.rejection));
    return String(answer.result['executionId'] ?? answer.result['id']);
  };
  const policy = consumePolicyWork({ ...shared, gateway });
  const runner = consumeTaskWork({ ...shared, gateway, runner: 'runner:test', classes: ['small', 'medium', 'large'], concurrencyMax: 64 });
  const sealer = new ReceiptSealer(shared);
  await sealer.start();
  const middle = Array.from({ length: 998 }, (_, i) => task(`m${i}`, ['first']));
  await send(saveDraft(manifest([task('first'), ...middle, task('last', middle.map(({ id }) => id))])));
  await send(publish());
  await seen(store, 'workflow.published.v1');
  const id = await send(start('wide'));
  await seen(store, 'receipt.signed.v1');
  await policy.stop(1_000);
  await runner.stop(1_000);
  await sealer.stop();
  await role.stop();
  await inner.close();
  const events = (await loadStream(store, `execution-${id}` as StreamName)).stored.map(recordedOf);
  const commits = [...Map.groupBy(events, ({ commandId }) => commandId).values()].map((own) => own.length);
  return { events, commits, most: inFlight.most, calls: packages.attempts.length };
}

/** Waits for the first event of a type. */
async function seen(store: EventStore, type: string): Promise<void> {
  const abort = new AbortController();
  for await (const item of store.subscribe({ after: null, filter: { types: [type] }, signal: abort.signal })) if (item.kind === 'event') abort.abort();
}

describe.each(['memory', 'sqlite'])('a run of 1,000 tasks, 998 of them side by side, on the %s store', (kind) => {
  let dir = '';
  let stores: Stores;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'wide-run-'));
    if (kind === 'memory') stores = { store: new MemoryEventStore(), state: new MemoryProcessState() };
    else stores = { store: await openSqliteEventStore({ path: join(dir, 'events.db') }), state: await openSqliteProcessState({ path: join(dir, 'state.db') }) };
  });

  afterEach(async () => {
    await stores.store.close();
    await stores.state.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('is scheduled in commits of at most 256 events, at most 32 of its tasks are handed out at once, and each runs once', async () => {
    const { events, commits, most, calls } = await wideRun(stores);
    const typed = (type: string): readonly Recorded[] => events.filter(({ event }) => event.type === `execution.${type}.v1`);
    expect(events.at(-1)?.event).toMatchObject({ type: 'execution.completed.v1', data: { verdict: 'succeeded', counts: { succeeded: 1_000, failed: 0, skipped: 0 } } });
    expect([typed('task-scheduled').length, typed('task-succeeded').length, calls]).toEqual([1_000, 1_000, 1_000]);
    expect(typed('scheduling-deferred').length).toBeGreaterThan(2);
    expect(Math.max(...commits)).toBeLessThanOrEqual(256);
    expect(most).toBe(32);
    expect(events.map(({ revision }) => revision)).toEqual(events.map((_, i) => i));
  }, TEST_MAX_MS);
});
