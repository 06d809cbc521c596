import type { StoredEventV1 } from '@maestro/contracts';
import type { Attack } from './attack.ts';
import { replaced } from './attack.ts';
import { eventsOf, jsonlOf, rechained } from './forgery.ts';
import type { TamperWorld } from './real-sets.ts';

type Change = (events: StoredEventV1[], world: TamperWorld) => StoredEventV1[];

const DEEP = 100_000;

/** An attack on the events themselves, each written in the one form that events have. */
function onEvents(name: string, right: Attack['right'], change: Change): Attack {
  return { name, right, isSeenByCosign: true, make: (world) => ({ files: { events: jsonlOf(change(eventsOf(world.set.events), world)) } }) };
}

/** An attack on the bytes of `events.jsonl`. */
function onBytes(name: string, right: Attack['right'], change: (bytes: Buffer) => Buffer): Attack {
  return { name, right, isSeenByCosign: true, make: ({ set }) => ({ files: { events: change(set.events) } }) };
}

const middleOf = (events: readonly unknown[]): number => Math.floor(events.length / 2);
const without = (events: StoredEventV1[], index: number): StoredEventV1[] => events.toSpliced(index, 1);

function swapped(events: StoredEventV1[]): StoredEventV1[] {
  const at = middleOf(events);
  const [one, two] = [events[at - 1] as StoredEventV1, events[at] as StoredEventV1];
  return events.toSpliced(at - 1, 2, two, one);
}

function withActor(events: StoredEventV1[], index: number, actor: string): StoredEventV1[] {
  return events.with(index, { ...(events[index] as StoredEventV1), actor });
}

/** Events taken out, put in, moved, changed. */
export const EVENT_ATTACKS: readonly Attack[] = [
  onEvents('first event removed', 'MISSING_EVENT', (events) => without(events, 0)),
  onEvents('middle event removed', 'MISSING_EVENT', (events) => without(events, middleOf(events))),
  onEvents('last event removed', 'TRUNCATED_HISTORY', (events) => without(events, events.length - 1)),
  onEvents('last two events removed', 'TRUNCATED_HISTORY', (events) => events.slice(0, -2)),
  onEvents('middle event removed, the rest chained anew', 'TRUNCATED_HISTORY', (events) => rechained(without(events, middleOf(events)))),
  onEvents('an event repeated', 'TAMPERED_EVENT', (events) => events.toSpliced(middleOf(events), 0, events[middleOf(events)] as StoredEventV1)),
  onEvents('a forged event put in, the rest chained anew', 'TAMPERED_EVENT', (events) => rechained(events.toSpliced(middleOf(events), 0, events[middleOf(events)] as StoredEventV1))),
  onEvents('a forged event after the end, chained', 'EXTRA_EVENTS', (events) => rechained([...events, { ...(events.at(-2) as StoredEventV1), commandId: 'a'.repeat(64) }])),
  onEvents('two events swapped', 'TAMPERED_EVENT', swapped),
  onEvents('two events swapped, all chained anew', 'TAMPERED_EVENT', (events) => rechained(swapped(events))),
  onEvents('all events in reverse', 'TAMPERED_EVENT', (events) => events.toReversed()),
  onEvents('an actor changed', 'TAMPERED_EVENT', (events) => withActor(events, 0, 'user:somebody-else')),
  onEvents('an actor changed, all chained anew', 'TAMPERED_EVENT', (events) => rechained(withActor(events, 0, 'user:somebody-else'))),
  onEvents('an actor with a zero-width character', 'TAMPERED_EVENT', (events) => withActor(events, 0, `${events[0]?.actor}\u200b`)),
  onEvents('an actor with a Cyrillic letter', 'TAMPERED_EVENT', (events) => withActor(events, 0, (events[0]?.actor ?? '').replace('e', '\u0435'))),
  onEvents('the end told another way, chained anew', 'TAMPERED_EVENT', (events) => rechained(events.with(-1, { ...(events.at(-1) as StoredEventV1), at: (events.at(-1) as StoredEventV1).at.replace(/\d\dZ$/, '00Z') }))),
  onEvents('an event of another run in its place', 'TAMPERED_EVENT', (events, { otherSet }) => events.with(1, eventsOf(otherSet.events)[1] as StoredEventV1)),
  onEvents('the whole history of another run', 'TAMPERED_EVENT', (_, { otherSet }) => eventsOf(otherSet.events)),
];

/** The same events in other bytes, and files that are no history. */
export const SPELLING_ATTACKS: readonly Attack[] = [
  onBytes('no events at all', 'TRUNCATED_HISTORY', () => Buffer.alloc(0)),
  onBytes('cut in the middle of the last line', 'TRUNCATED_HISTORY', (bytes) => bytes.subarray(0, -40)),
  onBytes('cut in the middle of the file', 'TRUNCATED_HISTORY', (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2))),
  onBytes('without the last line feed', 'TRUNCATED_HISTORY', (bytes) => bytes.subarray(0, -1)),
  onBytes('trailing bytes', 'TRUNCATED_HISTORY', (bytes) => Buffer.concat([bytes, Buffer.from('{}')])),
  onBytes('a trailing zero byte', 'TRUNCATED_HISTORY', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
  onBytes('an empty line at the end', 'TAMPERED_EVENT', (bytes) => Buffer.concat([bytes, Buffer.from('\n')])),
  onBytes('line ends of Windows', 'TAMPERED_EVENT', (bytes) => Buffer.from(bytes.toString('utf8').replaceAll('\n', '\r\n'))),
  onBytes('line ends of old Macs', 'TRUNCATED_HISTORY', (bytes) => Buffer.from(bytes.toString('utf8').replaceAll('\n', '\r'))),
  onBytes('a byte order mark', 'TAMPERED_EVENT', (bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes])),
  onBytes('UTF-16', 'TAMPERED_EVENT', (bytes) => Buffer.from(bytes.toString('utf8'), 'utf16le')),
  onBytes('white space within an event', 'TAMPERED_EVENT', (bytes) => replaced(bytes, '":', '": ')),
  onBytes('a letter written as an escape', 'TAMPERED_EVENT', (bytes) => replaced(bytes, '"user:', '"\\u0075ser:')),
  onBytes('a number with a fraction of zero', 'TAMPERED_EVENT', (bytes) => replaced(bytes, '"revision":0', '"revision":0.0')),
  onBytes('a repeated member, the true one last', 'TAMPERED_EVENT', (bytes) => replaced(bytes, '"actor":', '"actor":"user:somebody-else","actor":')),
  onBytes('a member __proto__', 'TAMPERED_EVENT', (bytes) => replaced(bytes, '{"actor":', '{"__proto__":{},"actor":')),
  onBytes('a letter in an overlong form', 'TAMPERED_EVENT', (bytes) => Buffer.from(bytes.toString('latin1').replace('user:', '\xc1\xb5ser:'), 'latin1')),
  onBytes('half a surrogate pair', 'TAMPERED_EVENT', (bytes) => replaced(bytes, '"user:', '"\\ud800user:')),
  onBytes('an event as deep as a well', 'TAMPERED_EVENT', (bytes) => Buffer.concat([Buffer.from(`${'['.repeat(DEEP)}${']'.repeat(DEEP)}\n`), bytes])),
  onBytes('a line of an object as deep as a well', 'TAMPERED_EVENT', (bytes) => Buffer.concat([bytes, Buffer.from(`${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}\n`)])),
];
