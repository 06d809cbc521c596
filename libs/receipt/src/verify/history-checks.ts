import type { ReceiptV1, StoredEventV1 } from '@maestro/contracts';
import type { Recorded } from '@maestro/domain';
import { digestOf } from '../assemble/steps.ts';
import { ZERO_HASH, merkleRoot } from '../chain.ts';
import { failed, passed } from './conclusion.ts';
import type { CheckResult } from './conclusion.ts';
import { hasOwnId, readEvent, terminalIndex } from './history.ts';
import type { History } from './history.ts';

/** Row 6, and the events that passed it; empty unless all did. */
export type CheckedEvents = { readonly result: CheckResult; readonly events: readonly Recorded[] };

type Found = StoredEventV1 & { readonly hash: string };

/**
 * Row 6. From the smallest claim to the largest: each line is an event, each id fits its content, no revision lacks,
 * each `prev` is the hash before it, one stream, known versions, and the head that the receipt names where it names one.
 */
export function checkEvents(history: History, receipt: ReceiptV1 | undefined): CheckedEvents {
  const found: Found[] = [];
  for (const [index, { stored, problem, hash }] of history.lines.entries()) {
    if (stored === undefined) return refused(failed('TAMPERED_EVENT', `line ${index + 1} is ${problem}`));
    found.push({ ...stored, hash });
  }
  const problem = findForeignId(found) ?? findGap(found) ?? findBrokenLink(found) ?? findOtherStream(found, receipt) ?? findOtherHead(found, receipt);
  if (problem !== undefined) return refused(problem);
  const events: Recorded[] = [];
  for (const { hash, ...stored } of found) {
    const read = readEvent(stored, hash);
    if (read.kind !== 'read') return refused(failed(read.kind === 'misfit' ? 'TAMPERED_EVENT' : 'UNSUPPORTED_VERSION', read.detail));
    events.push(read.recorded);
  }
  return { result: passed(6, `${events.length} events, each chained to the one before`), events };
}

function refused(result: CheckResult): CheckedEvents {
  return { result, events: [] };
}

function findForeignId(found: readonly Found[]): CheckResult | undefined {
  const seen = new Map<string, number>();
  for (const { hash: _, ...stored } of found) {
    const index = seen.get(stored.commandId) ?? 0;
    seen.set(stored.commandId, index + 1);
    if (!hasOwnId(stored, index)) return failed('TAMPERED_EVENT', `revision ${stored.revision}: the id does not follow from the content`);
  }
  return undefined;
}

function findGap(found: readonly Found[]): CheckResult | undefined {
  const revisions = new Set(found.map(({ revision }) => revision));
  const last = Math.max(-1, ...revisions);
  for (let revision = 0; revision <= last; revision += 1) {
    if (!revisions.has(revision)) return failed('MISSING_EVENT', `revision ${revision} is not there`);
  }
  const misplaced = found.findIndex(({ revision }, index) => revision !== index);
  return misplaced === -1 ? undefined : failed('TAMPERED_EVENT', `line ${misplaced + 1} is out of order or repeated`);
}

function findBrokenLink(found: readonly Found[]): CheckResult | undefined {
  let before = ZERO_HASH;
  for (const { prev, revision, hash } of found) {
    if (prev !== before) return failed('TAMPERED_EVENT', `revision ${revision} is not chained to the event before it`);
    before = hash;
  }
  return undefined;
}

function findOtherStream(found: readonly Found[], receipt: ReceiptV1 | undefined): CheckResult | undefined {
  const expected = receipt === undefined ? found[0]?.stream : `execution-${receipt.executionId}`;
  const other = found.find(({ stream }) => stream !== expected);
  return other && failed('TAMPERED_EVENT', `revision ${other.revision} is of stream ${other.stream}, not of ${expected}`);
}

/** A history written anew from some event on is chained in itself; only the receipt tells it from the true one. */
function findOtherHead(found: readonly Found[], receipt: ReceiptV1 | undefined): CheckResult | undefined {
  const head = receipt && found[receipt.stream.last];
  if (head === undefined || digestOf(head.hash) === receipt?.stream.head) return undefined;
  return failed('TAMPERED_EVENT', `revision ${head.revision} has another hash than the receipt says: events were written anew`);
}

/** Row 7. */
export function checkWholeness(history: History, receipt: ReceiptV1): CheckResult {
  const { count, head, last, merkleRoot: root, terminal } = receipt.stream;
  const { lines, isCut } = history;
  const [first, ...rest] = lines.map(({ hash }) => hash);
  if (isCut) return failed('TRUNCATED_HISTORY', 'the file ends in the middle of a line');
  if (first === undefined || lines.length < count) return failed('TRUNCATED_HISTORY', `${lines.length} events; the receipt closes over ${count}`);
  if (lines.length > count) return failed('EXTRA_EVENTS', `${lines.length} events; the receipt closes over ${count}`);
  const end = terminalIndex(history);
  if (end === -1) return failed('TRUNCATED_HISTORY', 'no event ends the run');
  if (end < count - 1) return failed('EXTRA_EVENTS', `events follow the one that ends the run, at line ${end + 1}`);
  const lastHash = digestOf(rest.at(-1) ?? first);
  const endsThere = last === end && terminal.revision === end && terminal.type === lines[end]?.stored?.type;
  if (!endsThere || lastHash !== head || lastHash !== terminal.digest || digestOf(merkleRoot([first, ...rest])) !== root) {
    return failed('TRUNCATED_HISTORY', 'count, head, Merkle root or terminal event are not what the receipt says');
  }
  return passed(7, `${count} events from request to ${terminal.type}, head and Merkle root as signed`);
}
