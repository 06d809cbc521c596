import type { AnyEvent } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import { MemoryEventStore } from '@maestro/adapter-memory';
import { manifest, task } from '../../fixtures/commands.ts';
import { failedWith, succeededWith } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import { SealedValues } from '../sealed-values.ts';
import { OUTPUT_BYTES_MAX } from './attempt-reports.ts';
import { publicPartOf } from './public-part.ts';

type Ended = Extract<AnyEvent, { type: 'execution.task-succeeded.v1' | 'execution.task-failed.v1' }>;

/** Runs one task that answers so; gives back how the attempt was recorded, and what its seals open to. */
async function recordedAs(result: Awaited<ReturnType<World['packages']['play']>>, outputSchema = {}): Promise<{ readonly data: Ended['data']; readonly opened: { readonly [pointer: string]: Json } }> {
  const world = await World.open();
  world.packages.define('pkg:test/echo@1.0.0', { outputSchema });
  world.packages.play = async () => result;
  await world.published(manifest([task('a')]));
  const id = await world.started();
  await world.ended(id);
  expect(await problemsOf(world, id)).toEqual([]);
  const recorded = world.of(`execution-${id}`).find(({ event }) => event.type === 'execution.task-succeeded.v1' || event.type === 'execution.task-failed.v1');
  if (recorded?.event.type !== 'execution.task-succeeded.v1' && recorded?.event.type !== 'execution.task-failed.v1') throw new Error('no end');
  const values = new SealedValues(world.vault, { bytes: (count) => new Uint8Array(count) }, new MemoryEventStore({ log: world.eventLog }));
  const { data } = recorded.event;
  const places = { '/output': 'output' in data ? data.output.commitment : undefined, '/log': data.log?.commitment, '/error/detail': 'error' in data ? data.error.detail?.commitment : undefined };
  const opened: { [pointer: string]: Json } = {};
  for (const [pointer, commitment] of Object.entries(places)) if (commitment !== undefined) opened[pointer] = await values.open(recorded, pointer, commitment);
  return { data, opened };
}

const codeOf = (data: Ended['data']): string => ('error' in data ? data.error.code : 'ok');

describe('an output', () => {
  it.each([
    ['an integer of 2^53', { deep: [{ n: 2 ** 53 }] }, 'output/deep/0/n'],
    ['no number', { n: Number.NaN }, 'output/n'],
    ['a lone surrogate', { text: '\ud800' }, 'output/text'],
    ['a value that is none', { nothing: undefined as unknown as Json }, 'output/nothing'],
  ])('with %s is refused by name and place, not changed in silence', async (_, output, place) => {
    const { data, opened } = await recordedAs(succeededWith(output));
    expect([codeOf(data), 'error' in data && data.error.retryable]).toEqual(['INVALID_JSON_VALUE', false]);
    expect(opened['/error/detail']).toContain(place);
  });

  it('nested a hundred thousand deep is refused, and harms nobody', async () => {
    let deep: Json = {};
    for (let i = 0; i < 100_000; i += 1) deep = { deep };
    expect(codeOf((await recordedAs(succeededWith(deep))).data)).toBe('INVALID_JSON_VALUE');
  });

  it('of exactly 64 KiB is kept whole; one byte more is refused, not cut', async () => {
    const around = '{"text":""}'.length;
    const fits = { text: 'x'.repeat(OUTPUT_BYTES_MAX - around) };
    expect((await recordedAs(succeededWith(fits))).opened['/output']).toEqual(fits);
    const { data, opened } = await recordedAs(succeededWith({ text: `${fits.text}x` }));
    expect(codeOf(data)).toBe('OUTPUT_TOO_LARGE');
    expect(opened['/error/detail']).toContain('65537 bytes; at most 65536');
  });

  it('is measured in bytes, not in characters', async () => {
    expect(codeOf((await recordedAs(succeededWith({ text: 'é'.repeat(40_000) }))).data)).toBe('OUTPUT_TOO_LARGE');
  });

  it('shows what its package declares public, and nothing else', async () => {
    const schema = { properties: { digest: { 'x-public': true }, secret: {}, inner: { properties: { count: { 'x-public': true }, text: {} } }, list: { items: { 'x-public': true } } } };
    const output = { digest: 'd', secret: 's', inner: { count: 3, text: 't' }, list: [1], extra: 'e' };
    const { data, opened } = await recordedAs(succeededWith(output), schema);
    expect('public' in data && data.public).toEqual({ digest: 'd', inner: { count: 3 } });
    expect(opened['/output']).toEqual(output);
  });

  it('is sealed as it is, also where its keys are hostile', async () => {
    const output = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"a/b~c":"x"}') as Json;
    expect(JSON.stringify((await recordedAs(succeededWith(output))).opened['/output'])).toBe(JSON.stringify(output));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('a log or a message', () => {
  it('that is empty is not there', async () => {
    expect((await recordedAs(succeededWith({}))).data.log).toBeNull();
    const { data } = await recordedAs(failedWith('BROKEN', false));
    expect('error' in data && data.error.detail).toBeNull();
  });

  it('that is long is cut to what fits beside its event, and says so', async () => {
    for (const text of ['x'.repeat(500_000), '\u0001'.repeat(500_000), '€'.repeat(500_000)]) {
      const { opened } = await recordedAs(succeededWith({}, text));
      const log = String(opened['/log']);
      expect(log.endsWith('\n[cut]')).toBe(true);
      expect(text.startsWith(log.slice(0, -6))).toBe(true);
      expect(log.length).toBeGreaterThan(10_000);
    }
  });

  it('stays well-formed where the cut goes through a character', async () => {
    const { opened } = await recordedAs(succeededWith({}, `x${'😀'.repeat(50_000)}`));
    expect(String(opened['/log']).isWellFormed()).toBe(true);
  });

  it('with half a character in it is kept with a mark in its place', async () => {
    expect((await recordedAs({ ...failedWith('BROKEN', false, 'a\udc00b'), log: 'c\ud800d' })).opened).toEqual({ '/error/detail': 'a\ufffdb', '/log': 'c\ufffdd' });
  });
});

describe('the largest report', () => {
  it('fits into one event: full output, all of it public, full log', async () => {
    const text = '\u0001'.repeat((OUTPUT_BYTES_MAX - 20) / 6);
    const { data } = await recordedAs(succeededWith({ text }, '\u0001'.repeat(1_000_000)), { properties: { text: { 'x-public': true } } });
    expect(codeOf(data)).toBe('ok');
  });
});

describe('the public part', () => {
  it('of an output is empty where its schema says nothing', () => {
    expect(publicPartOf({}, { a: 1 })).toEqual({});
    expect(publicPartOf({ properties: { a: {} } }, { a: { b: 1 } })).toEqual({});
  });

  it('never takes what a schema inherits for a declaration', () => {
    expect(publicPartOf({ properties: {} }, JSON.parse('{"toString":{"x":1},"__proto__":{"y":2}}') as { readonly [key: string]: Json })).toEqual({});
  });
});
