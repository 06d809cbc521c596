import { seal } from '@maestro/codec';
import type { StreamName } from '@maestro/domain';
import { MemoryEventStore } from '@maestro/adapter-memory';
import type { StoredEvent } from '@maestro/ports';
import { manifest, start, task } from '../fixtures/commands.ts';
import { failedWith, succeededWith } from '../fixtures/scripted-ports.ts';
import { World } from '../fixtures/world.ts';
import { SealedValues } from './sealed-values.ts';

/** Found nowhere by chance. */
const MARKER = 'b1a5c0ffee-marker';

async function worldWithRun(): Promise<{ readonly world: World; readonly id: string }> {
  const world = await World.open();
  await world.published(manifest([task('a', [], { with: { text: '${{ inputs.name }}' } })], { inputs: { name: 'nobody' } }));
  const id = await world.started('run', { inputs: { name: 'Ada' } });
  await world.ended(id);
  return { world, id };
}

/** Another process on the same data: nothing of what was opened before is in its memory. */
function fresh(world: World): SealedValues {
  return new SealedValues(world.vault, { bytes: (count) => new Uint8Array(count) }, new MemoryEventStore({ log: world.eventLog }), world.evidence);
}

function sealedOutput(world: World, id: string) {
  const recorded = world.of(`execution-${id}`).find(({ event }) => event.type === 'execution.task-succeeded.v1');
  if (recorded?.event.type !== 'execution.task-succeeded.v1') throw new Error('no output');
  return { recorded, commitment: recorded.event.data.output.commitment, keyId: keyOf(world, id) };
}

function keyOf(world: World, id: string): string {
  const { event } = world.of(`execution-${id}`)[0] ?? {};
  if (event?.type !== 'execution.requested.v1') throw new Error('no request');
  return event.data.dataKeyId;
}

function replaceSealed(world: World, stream: string, revision: number, change: (stored: StoredEvent) => StoredEvent): void {
  const events = world.eventLog.streams.get(stream as StreamName) ?? [];
  const stored = events[revision];
  if (stored !== undefined) events[revision] = change(stored);
}

describe('a sealed value', () => {
  it('opens to what was sealed, also in a process that never saw it', async () => {
    const { world, id } = await worldWithRun();
    const { recorded, commitment } = sealedOutput(world, id);
    expect(await fresh(world).open(recorded, '/output', { commitment })).toEqual({ text: 'Ada' });
  });

  it('does not open to another commitment, at another place, or out of another event', async () => {
    const { world, id } = await worldWithRun();
    const { recorded, commitment } = sealedOutput(world, id);
    const [requested] = world.of(`execution-${id}`);
    if (requested?.event.type !== 'execution.requested.v1') throw new Error('no request');
    await expect(fresh(world).open(recorded, '/output', { commitment: 'a'.repeat(64) })).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    await expect(fresh(world).open(recorded, '/log', { commitment })).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    await expect(fresh(world).open(requested, '/inputs', { commitment })).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
  });

  it('does not open once its ciphertext was changed, or was swapped with another of the same key', async () => {
    const { world, id } = await worldWithRun();
    const { recorded, commitment } = sealedOutput(world, id);
    const stream = recorded.stream;
    const foreign = (world.eventLog.streams.get(stream as StreamName) ?? [])[0]?.sealed ?? null;
    replaceSealed(world, stream, recorded.revision, (stored) => ({ ...stored, sealed: foreign }));
    await expect(fresh(world).open(recorded, '/output', { commitment })).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
    replaceSealed(world, stream, recorded.revision, (stored) => ({ ...stored, sealed: null }));
    await expect(fresh(world).open(recorded, '/output', { commitment })).rejects.toMatchObject({ code: 'SEAL_DAMAGED' });
  });

  it('is gone for ever with its key; the history stays whole', async () => {
    const { world, id } = await worldWithRun();
    const { recorded, commitment, keyId } = sealedOutput(world, id);
    await world.vault.destroy(keyId);
    await expect(fresh(world).open(recorded, '/output', { commitment })).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    expect(world.of(`execution-${id}`)).toHaveLength(recorded.revision + 2);
  });

  it('shows no length: ciphertexts of short and of longer values are as long', async () => {
    const world = await World.open();
    await world.published(manifest([task('a')]));
    const lengths = new Set<number | undefined>();
    for (const text of ['', 'x', 'x'.repeat(100)]) {
      const id = await world.started(text, { inputs: { text } });
      await world.ended(id);
      lengths.add(world.eventLog.streams.get(`execution-${id}` as StreamName)?.[0]?.sealed?.length);
    }
    expect(lengths.size).toBe(1);
  });

  it('commits differently each time it is sealed, and alike for the same intent', async () => {
    const world = await World.open();
    const values = fresh(world);
    const [one, two] = [await values.createKey('a'), await values.createKey('b')];
    expect(await values.derivedSalt(one, 'x')).toBe(await values.derivedSalt(one, 'x'));
    expect(new Set([await values.derivedSalt(one, 'x'), await values.derivedSalt(one, 'y'), await values.derivedSalt(two, 'x')]).size).toBe(3);
    expect(await values.derivedSalt(one, 'x')).toMatch(/^[0-9a-f]{32}$/);
    expect(await values.tag(one, 'x')).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('the whole data of runs', () => {
  it('is kept open only as far as memory allows: small values count for what they take', async () => {
    const { world, id } = await worldWithRun();
    const { recorded, commitment, keyId } = sealedOutput(world, id);
    if (recorded.event.type !== 'execution.task-succeeded.v1') throw new Error('no output');
    const values = fresh(world);
    expect(await values.open(recorded, '/output', { commitment })).toEqual({ text: 'Ada' });
    await world.vault.destroy(keyId);
    expect(await values.open(recorded, '/output', { commitment })).toEqual({ text: 'Ada' });
    const scopeKey = await world.vault.create('execution:others');
    const secrets = new Map();
    const output = { ...recorded.event.data, output: seal(secrets, '/output', 'f'.repeat(32), {}) };
    const other = { recorded: { ...recorded, event: { ...recorded.event, data: output } }, bytes: new Uint8Array() };
    for (let n = 0; n < 50_000; n += 1) await values.toNewEvent({ ...other, recorded: { ...other.recorded, id: `other-${n}` } }, scopeKey, secrets);
    await expect(values.open(recorded, '/output', { commitment })).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
  });

  it('holds no value of a user in the clear: no input, argument, output, log, or message', async () => {
    const world = await World.open();
    world.packages.define('pkg:test/public@1.0.0', { outputSchema: { properties: { digest: { type: 'string', 'x-public': true }, secret: { type: 'string' } } } });
    world.packages.play = async ({ context: { taskId }, input }) => {
      if (taskId === 'fails') return { ...failedWith('BROKEN', false, `${MARKER} in a message`), log: `${MARKER} in a log` };
      return succeededWith({ ...input, digest: 'shown', secret: `${MARKER} in an output` }, `${MARKER} in a log`);
    };
    await world.published(manifest([
      task('a', [], { uses: 'pkg:test/public@1.0.0', with: { text: '${{ inputs.name }}' } }),
      task('late', ['a'], { with: { text: '${{ tasks.a.outputs.secret }} and more' } }),
      task('fails', ['late']),
      task('unbound', ['a'], { with: { text: '${{ tasks.a.outputs.absent }}' } }),
    ]));
    const id = await world.started('run', { inputs: { name: `${MARKER} in an input` } });
    await world.ended(id);
    await world.send(start('refused', { version: '9.9.9', inputs: { name: MARKER } }));
    await world.advance(1_000);
    const everything: [string, string][] = world.eventLog.events.flatMap(({ bytes, sealed, stream, revision }) => [
      [`bytes of ${stream}/${revision}`, Buffer.from(bytes).toString('latin1')],
      [`seal of ${stream}/${revision}`, Buffer.from(sealed ?? []).toString('latin1')],
      [`opened seal of ${stream}/${revision}`, Buffer.from((Buffer.from(sealed ?? []).toString().match(/"text":"([^"]*)"/)?.[1] ?? ''), 'base64').toString('latin1')],
    ]);
    for (const [name, { rows }] of world.disk.processes) for (const [key, text] of rows) everything.push([`state ${name}/${key}`, text]);
    everything.push(['views', JSON.stringify([...(await world.views.get('execution', [id])).values(), ...(await world.views.list('command', { limit: 200 })).rows])]);
    everything.push(['log', JSON.stringify(world.lines.map(({ message, fields }) => [message, Object.values(fields).map(String)]))]);
    expect(world.packages.attempts.map(({ input }) => JSON.stringify(input)).join()).toContain(MARKER);
    expect(everything.filter(([, text]) => text.includes(MARKER)).map(([where]) => where)).toEqual([]);
    expect(everything.some(([, text]) => text.includes('"public":{"digest":"shown"}'))).toBe(true);
  });
});
