import type { AnyEvent } from '@maestro/contracts';
import type { Json, JsonObject } from '@maestro/domain';
import { MemoryEventStore } from '@maestro/adapter-memory';
import { UnparsedJson, VALUE_LIMITS } from '@maestro/ports';
import { canonicalBytes } from '@maestro/receipt';
import { manifest, task } from '../../fixtures/commands.ts';
import { failedWith, succeededWith } from '../../fixtures/scripted-ports.ts';
import { problemsOf } from '../../fixtures/sound-history.ts';
import { World } from '../../fixtures/world.ts';
import { scanInSlices } from '../byte-slices.ts';
import { SealedValues } from '../sealed-values.ts';
import { partsAt } from '../value-parts.ts';
import { publicPlaces } from './public-part.ts';

type Ended = Extract<AnyEvent, { type: 'execution.task-succeeded.v1' | 'execution.task-failed.v1' }>;

/** Runs one task that answers so; gives back how the attempt was recorded, and what its seals open to. */
async function recordedAs(result: Awaited<ReturnType<World['packages']['play']>>, outputSchema = {}, isOpened = true): Promise<{ readonly data: Ended['data']; readonly opened: { readonly [pointer: string]: Json } }> {
  const world = await World.open();
  world.packages.define('pkg:test/echo@1.0.0', { outputSchema });
  world.packages.play = async () => result;
  await world.published(manifest([task('a')]));
  const id = await world.started();
  await world.ended(id);
  expect(await problemsOf(world, id)).toEqual([]);
  const recorded = world.of(`execution-${id}`).find(({ event }) => event.type === 'execution.task-succeeded.v1' || event.type === 'execution.task-failed.v1');
  if (recorded?.event.type !== 'execution.task-succeeded.v1' && recorded?.event.type !== 'execution.task-failed.v1') throw new Error('no end');
  const values = new SealedValues(world.vault, { bytes: (count) => new Uint8Array(count) }, new MemoryEventStore({ log: world.eventLog }), world.evidence);
  const { data } = recorded.event;
  const places = { '/output': 'output' in data ? data.output : null, '/log': data.log, '/error/detail': 'error' in data ? data.error.detail : null };
  const opened: { [pointer: string]: Json } = {};
  for (const [pointer, sealed] of Object.entries(places)) if (sealed !== null && isOpened) opened[pointer] = await values.open(recorded, pointer, sealed);
  return { data, opened };
}

/** An output of exactly so many bytes. */
const textOf = (bytes: number): { readonly text: string } => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });
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

  it('of exactly 64 KiB lies beside its event; one byte more is a blob of its own', async () => {
    for (const [extra, isBlob] of [[0, false], [1, true]] as const) {
      const output = textOf(VALUE_LIMITS.inlineBytesMax + extra);
      const { data, opened } = await recordedAs(succeededWith(output));
      expect([codeOf(data), 'output' in data && data.output.blob !== undefined]).toEqual(['ok', isBlob]);
      expect(opened['/output']).toEqual(output);
    }
  });

  it('is measured in bytes, not in characters', async () => {
    const { data } = await recordedAs(succeededWith({ text: 'é'.repeat(40_000) }));
    expect('output' in data && data.output.blob).toMatchObject({ paddedBytes: 128 * 1024, dataKeyId: expect.any(String), location: expect.any(String) });
  });

  it('of the largest size fills a blob of 64 MiB; one byte more is refused by name, not cut', async () => {
    const fits = new UnparsedJson(canonicalBytes(textOf(VALUE_LIMITS.outputBytesMax)));
    const { data } = await recordedAs(succeededWith(fits), {}, false);
    expect('output' in data && data.output.blob?.paddedBytes).toBe(64 * 1024 * 1024);
    const refused = await recordedAs(succeededWith(new UnparsedJson(canonicalBytes(textOf(VALUE_LIMITS.outputBytesMax + 1)))));
    expect([codeOf(refused.data), 'error' in refused.data && refused.data.error.retryable]).toEqual(['OUTPUT_TOO_LARGE', false]);
    expect(refused.opened['/error/detail']).toContain('67108737 bytes; at most 67108736');
  }, 60_000);

  it.each([
    ['not canonical', '{"b":1,"a":2}', 'not canonical'],
    ['not JSON', '{"a":', 'not canonical'],
    ['an integer of 2^53', '{"a":[9007199254740993]}', 'output/a/0'],
    ['too deep', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, 'nested deeper'],
  ])('that comes as text is checked as any other: %s', async (_, text, message) => {
    const { data, opened } = await recordedAs(succeededWith(new UnparsedJson(Buffer.from(text))));
    expect(codeOf(data)).toBe('INVALID_JSON_VALUE');
    expect(opened['/error/detail']).toContain(message);
  });

  it('that comes as text but is not UTF-8 is refused', async () => {
    expect(codeOf((await recordedAs(succeededWith(new UnparsedJson(Buffer.from([0x22, 0xff, 0x22]))))).data)).toBe('INVALID_JSON_VALUE');
  });

  it('that comes as text and is small lies beside its event; a bare value gets a name', async () => {
    const { data, opened } = await recordedAs(succeededWith(new UnparsedJson(Buffer.from('[1,2]'))));
    expect('output' in data && data.output.blob).toBeUndefined();
    expect(opened['/output']).toEqual({ value: [1, 2] });
  });

  it('shows public parts of a large output too, up to 64 KiB of them; more is refused, not cut', async () => {
    const schema = { properties: { digest: { 'x-public': true }, text: { type: 'string' }, files: { 'x-public': true } } };
    const large = { digest: 'd', files: ['x'.repeat(60_000)], text: 's'.repeat(200_000) };
    const { data } = await recordedAs(succeededWith(large), schema);
    expect('public' in data && data.public).toEqual({ digest: 'd', files: large.files });
    const over = await recordedAs(succeededWith({ ...large, files: ['x'.repeat(66_000)] }), schema);
    expect(codeOf(over.data)).toBe('OUTPUT_TOO_LARGE');
    expect(over.opened['/error/detail']).toContain('declares public');
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

  it('log of up to 1 MiB is kept whole: beside its event while it is small, else as a blob', async () => {
    for (const text of ['x'.repeat(65_534), 'x'.repeat(65_535), '\u0001'.repeat(500_000), '€'.repeat(300_000)]) {
      const { data, opened } = await recordedAs(succeededWith({}, text));
      expect([opened['/log'] === text, data.log?.blob === undefined]).toEqual([true, text.length === 65_534]);
    }
  });

  it('message that is long is cut, says so, and stays well-formed where the cut goes through a character', async () => {
    const { opened } = await recordedAs(failedWith('BROKEN', false, `x${'😀'.repeat(20_000)}`));
    const detail = String(opened['/error/detail']);
    expect([detail.endsWith('\n[cut]'), detail.isWellFormed(), detail.length]).toEqual([true, true, 16_384 + 6]);
  });

  it('with half a character in it is kept with a mark in its place', async () => {
    expect((await recordedAs({ ...failedWith('BROKEN', false, 'a\udc00b'), log: 'c\ud800d' })).opened).toEqual({ '/error/detail': 'a\ufffdb', '/log': 'c\ufffdd' });
  });
});

describe('the largest report', () => {
  it('fits into one event: full inline output, all of it public, full inline log', async () => {
    const text = '\u0001'.repeat((VALUE_LIMITS.inlineBytesMax - 20) / 6);
    const { data } = await recordedAs(succeededWith({ text }, '\u0001'.repeat(10_000)), { properties: { text: { 'x-public': true } } });
    expect([codeOf(data), data.log?.blob]).toEqual(['ok', undefined]);
  });
});

describe('the public part', () => {
  const publicPartOf = async (schema: JsonObject, output: Json): Promise<Json | undefined> => {
    const bytes = canonicalBytes(output);
    const { found } = await scanInSlices(bytes, async () => undefined, publicPlaces(schema), { throughLists: false });
    return partsAt(bytes, found, 1_000);
  };

  it('of an output is empty where its schema says nothing', async () => {
    expect(await publicPartOf({}, { a: 1 })).toEqual({});
    expect(await publicPartOf({ properties: { a: {} } }, { a: { b: 1 } })).toEqual({});
  });

  it('never takes what a schema inherits for a declaration', async () => {
    expect(await publicPartOf({ properties: {} }, JSON.parse('{"toString":{"x":1},"__proto__":{"y":2}}') as Json)).toEqual({});
  });

  it('keeps hostile names as data', async () => {
    const schema = JSON.parse('{"properties":{"__proto__":{"properties":{"a":{"x-public":true}}}}}') as JsonObject;
    const shown = await publicPartOf(schema, JSON.parse('{"__proto__":{"a":1,"b":2}}') as Json);
    expect(JSON.stringify(shown)).toBe('{"__proto__":{"a":1}}');
    expect(({} as { a?: number }).a).toBeUndefined();
  });
});
