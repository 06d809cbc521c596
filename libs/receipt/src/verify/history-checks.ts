import type { ReceiptV1, StoredEventV1 } from '@maestro/contracts';
import type { Recorded } from '@maestro/domain';
import { digestOf } from '../assemble/steps.ts';
import { ZERO_HASH, merkleRoot } from '../chain.ts';
import { failed, passed } from './conclusion.ts';
import type { CheckResult } from './conclusion.ts';
import { indexInCommand, readEvent, terminalIndex } from './history.ts';
import type { History } from './history.ts';

/** Row 6, and the events that passed it; empty unless all did. */
export type CheckedEvents = { readonly result: CheckResult; readonly events: readonly Recorded[] };

/** An event in its line; `isOutOfTurn`: its id is right, but of another place within its command. */
type Found = { readonly stored: StoredEventV1; readonly hash: string; readonly isOutOfTurn: boolean };

/**
 * Row 6. From the smallest claim to the largest: each line is an event, each id fits its content, no revision lacks,
 * each `prev` is the hash before it, one stream, known versions, and the head that the receipt names where it names one.
 */
export function checkEvents(history: History, receipt: ReceiptV1 | undefined): CheckedEvents {
  const found = findEvents(history);
  if (!Array.isArray(found)) return refused(found);
  const problem = findGap(found) ?? findBrokenLink(found) ?? findOtherStream(found, receipt) ?? findOtherHead(found, receipt);
  if (problem !== undefined) return refused(problem);
  const events: Recorded[] = [];
  for (const { hash, stored } of found) {
    const read = readEvent(stored, hash);
    if (read.kind !== 'read') return refused(failed(read.kind === 'misfit' ? 'TAMPERED_EVENT' : 'UNSUPPORTED_VERSION', read.detail));
    events.push(read.recorded);
  }
  return { result: passed(6, `${events.length} events, each chained to the one before`), events };
}

function refused(result: CheckResult): CheckedEvents {
  return { result, events: [] };
}

/** The events of all lines, or the first line that is none or whose id does not follow from its content. */
function findEvents({ lines }: History): Found[] | CheckResult {
  const found: Found[] = [];
  const inCommand = new Map<string, number>();
  for (const [line, { stored, problem, hash }] of lines.entries()) {
    if (stored === undefined) return failed('TAMPERED_EVENT', `line ${line + 1}: ${problem}`);
    const likely = inCommand.get(stored.commandId) ?? 0;
    inCommand.set(stored.commandId, likely + 1);
    const index = indexInCommand(stored, likely);
    if (index === -1) return failed('TAMPERED_EVENT', `revision ${stored.revision}: the id does not follow from the content`);
    found.push({ stored, hash, isOutOfTurn: index !== likely });
  }
  return found;
}

function findGap(found: readonly Found[]): CheckResult | undefined {
  const revisions = new Set(found.map(({ stored }) => stored.revision));
  for (let revision = 0; revision < revisions.size; revision += 1) {
    if (!revisions.has(revision)) return failed('MISSING_EVENT', `revision ${revision} is not there`);
  }
  const misplaced = found.findIndex(({ stored, isOutOfTurn }, line) => stored.revision !== line || isOutOfTurn);
  return misplaced === -1 ? undefined : failed('TAMPERED_EVENT', `line ${misplaced + 1} is out of order or repeated`);
}

function findBrokenLink(found: readonly Found[]): CheckResult | undefined {
  let before = ZERO_HASH;
  for (const { stored, hash } of found) {
    if (stored.prev !== before) return failed('TAMPERED_EVENT', `revision ${stored.revision} is not chained to the event before it`);
    before = hash;
  }
  return undefined;
}

function findOtherStream(found: readonly Found[], receipt: ReceiptV1 | undefined): CheckResult | undefined {
  const expected = receipt === undefined ? found[0]?.stored.stream : `execution-${receipt.executionId}`;
  const other = found.find(({ stored }) => stored.stream !== expected);
  return other && failed('TAMPERED_EVENT', `revision ${other.stored.revision} is of stream ${other.stored.stream}, not of ${expected}`);
}

/** A history written anew from some event on is chained in itself; only the receipt tells it from the true one. */
function findOtherHead(found: readonly Found[], receipt: ReceiptV1 | undefined): CheckResult | undefined {
  if (receipt === undefined) return undefined;
  const { last, head } = receipt.stream;
  const hash = found[last]?.hash;
  if (hash === undefined || digestOf(hash) === head) return undefined;
  return failed('TAMPERED_EVENT', `revision ${last} has another hash than the receipt says: events were written anew`);
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
