import { eventValidators, validateStoredEventV1 } from '@maestro/contracts';
import type { AnyEvent, StoredEventV1 } from '@maestro/contracts';
import type { Json, Recorded } from '@maestro/domain';
import { ZERO_HASH, canonicalText, eventHash, eventId, sha256 } from '@maestro/receipt';

/** Where a stream stands: what the next event is chained to. */
export type StreamHead = { readonly revision: number; readonly hash: string; readonly at: string | null };

/** Head of a stream that has no event. */
export const EMPTY_HEAD: StreamHead = { revision: -1, hash: ZERO_HASH, at: null };

/** Who caused a commit, and why; the same for all its events. */
export type Cause = Pick<Recorded, 'tenant' | 'stream' | 'commandId' | 'causationId' | 'correlationId' | 'actor'>;

/** One event ready to be appended: what it says, and the bytes that are kept for ever. */
export type PreparedEvent = { readonly recorded: Recorded; readonly bytes: Uint8Array };

const encoder = new TextEncoder();

/**
 * Chains events to the head of their stream and makes their stored bytes. Deterministic: a retry that passes the same
 * arguments makes the same bytes. `now` is RFC 3339; time never runs backwards within a stream.
 * Throws when an event does not fit its own schema, or its cause not that of stored events: a bug, caught before
 * anything is stored, for what is stored is kept for ever and a reader would set the whole stream aside.
 */
export function prepareCommit(head: StreamHead, cause: Cause, now: string, events: readonly AnyEvent[]): PreparedEvent[] {
  const at = head.at !== null && head.at > now ? head.at : now;
  const prepared: PreparedEvent[] = [];
  let { revision, hash: prev } = head;
  for (const [index, event] of events.entries()) {
    revision += 1;
    const one = prepareEvent(event, { ...cause, revision, at, prev, index });
    prepared.push(one);
    prev = one.recorded.hash;
  }
  checkStoredForm(prepared[0]);
  return prepared;
}

/** Of the first event only: the others of its commit share its cause and time. */
function checkStoredForm(first: PreparedEvent | undefined): void {
  if (first === undefined || validateStoredEventV1(storedForm(first.recorded))) return;
  const problem = validateStoredEventV1.errors?.[0];
  throw new Error(`the stored form of ${first.recorded.event.type} is wrong: ${problem?.instancePath} ${problem?.message}`);
}

type Place = Cause & { readonly revision: number; readonly at: string; readonly prev: string; readonly index: number };

function prepareEvent(event: AnyEvent, { index, ...place }: Place): PreparedEvent {
  const validate: { (value: unknown): boolean; errors?: readonly unknown[] | null } = eventValidators[event.type];
  if (!validate(event)) throw new Error(`${event.type} does not fit its schema: ${JSON.stringify(validate.errors?.[0])}`);
  const [before, after] = textAroundId(event, place);
  const id = eventId(place.stream, place.commandId, index, sha256(before + after));
  const bytes = encoder.encode(`${before}"id":"${id}",${after}`);
  return { bytes, recorded: { event, id, ...place, hash: eventHash(bytes) } };
}

/** RFC 8785 text of the stored form in two halves, between which the id belongs. Keys stand in canonical order. */
function textAroundId(event: AnyEvent, place: Omit<Place, 'index'>): readonly [string, string] {
  const { actor, at, causationId, commandId, correlationId, prev, revision, stream, tenant } = place;
  const data = canonicalText(event.data as unknown as Json);
  return [
    `{"actor":${quote(actor)},"at":"${at}","causationId":${quote(causationId)},"commandId":${quote(commandId)},"correlationId":${quote(correlationId)},"data":${data},`,
    `"prev":"${prev}","revision":${revision},"stream":${quote(stream)},"tenant":${quote(tenant)},"type":${quote(event.type)}}`,
  ];
}

// RFC 8785 writes a well-formed string as JSON.stringify does
function quote(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('a lone surrogate cannot be stored');
  return JSON.stringify(text);
}

/** The stored form as an object; its canonical bytes are the event's bytes. */
export function storedForm({ event, hash: _, ...rest }: Recorded): StoredEventV1 {
  return { ...rest, type: event.type, data: event.data } as unknown as StoredEventV1;
}
