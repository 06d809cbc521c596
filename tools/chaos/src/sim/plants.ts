import { decodeEvent, prepareCommit } from '@maestro/codec';
import type { Clock, EventStore, EvidenceStore, NewEvent, ProcessState, ReadModels, WorkQueue } from '@maestro/ports';
import { sha256 } from '@maestro/receipt';
import type { Ground, Plant, Planted } from './plant.ts';
import type { FaultyPorts } from './port-rules.ts';

/** Less than the head mark needs, so that the mark does not know either. */
const SYNC_AFTER_MS = 40;
const LATE_EVIDENCE_MS = 800;
const TERMINAL = /^execution\.(completed|denied)\.v1$/;

/** The mistakes that the simulation has to find, each within so many seeds, before its silence says anything. */
export const PLANTS: readonly Plant[] = [
  { name: 'acknowledge-before-commit', what: 'an append is answered before its events are on disk', shows: ['ACKNOWLEDGED_LOST', 'OBSERVED_LOST'], in: acknowledgeEarly },
  { name: 'no-refill', what: 'what was handed out once is not handed out again after a start', shows: ['RUN_STUCK', 'NOT_QUIET', 'RUN_OPEN'], in: refillOff },
  { name: 'dedup-off', what: 'a command that comes again is a new one', shows: ['KEY_ANSWERED_TWICE', 'RUN_UNASKED'], in: dedupOff },
  { name: 'head-mark-off', what: 'a start does not compare the log with its head mark', shows: ['ACKNOWLEDGED_LOST', 'OBSERVED_LOST'], in: () => ({ ignoresMark: true }) },
  { name: 'signed-before-evidence', what: 'a receipt is named before its bundle is on disk', shows: ['SIGNED_TOO_EARLY', 'RECEIPT_UNVERIFIED'], in: evidenceLate },
  { name: 'checkpoint-without-intents', what: 'the dispatcher remembers how far it folded, and not what is open', shows: ['RUN_STUCK', 'NOT_QUIET', 'RUN_OPEN'], in: intentsForgotten },
  { name: 'lost-timer', what: 'one timer in ten never fires', shows: ['RUN_STUCK', 'NOT_QUIET', 'RUN_OPEN'], in: timersLost },
  { name: 'second-terminal-event', what: 'a run that ended is ended again', shows: ['TERMINAL_TWICE', 'EVENT_AFTER_END'], in: endedTwice },
  { name: 'rows-behind-checkpoint', what: 'the checkpoint of the query models is written without their rows at times', shows: ['VIEWS_DIFFER', 'VIEW_BEHIND_POSITION'], in: rowsLost },
];

/** The port with some of its methods made anew. */
function changed<P extends object>(port: P, changes: Partial<P>): P {
  return new Proxy(port, {
    get(target, key) {
      if (Object.hasOwn(changes, key)) return Reflect.get(changes, key);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function swapping<N extends keyof FaultyPorts>(name: N, change: (port: FaultyPorts[N], clock: Clock) => Partial<FaultyPorts[N]>): NonNullable<Planted['swap']> {
  return (ports, clock) => ({ ports: { ...ports, [name]: changed(ports[name], change(ports[name], clock)) }, clock });
}

function acknowledgeEarly({ disk, clock }: Ground): Planted {
  let synced = 0;
  const append = (store: EventStore): Partial<EventStore> => ({
    append: async (...args) => {
      const answer = await store.append(...args);
      const { length } = disk.log.events;
      clock.after(SYNC_AFTER_MS, () => (synced = Math.max(synced, Math.min(length, disk.log.events.length))));
      return answer;
    },
  });
  return { swap: swapping('store', append), onCrash: () => disk.cutTo(Math.min(synced, disk.log.events.length)) };
}

function refillOff(): Planted {
  const handedOut = new Set<string>();
  const publish = (queue: WorkQueue): Partial<WorkQueue> => ({
    publish: async (work) => {
      const [first, ...rest] = work.filter(({ intentId }) => !handedOut.has(intentId));
      if (first === undefined) return;
      await queue.publish([first, ...rest]);
      for (const { intentId } of [first, ...rest]) handedOut.add(intentId);
    },
  });
  return { swap: swapping('queue', publish) };
}

function dedupOff(): Planted {
  let count = 0;
  return { commandId: (commandId) => sha256(`${commandId} ${(count += 1)}`) };
}

function evidenceLate({ disk, clock }: Ground): Planted {
  let synced = 0;
  const put = (evidence: EvidenceStore): Partial<EvidenceStore> => ({
    putMany: async (items) => {
      const refs = await evidence.putMany(items);
      const { count } = disk.evidence;
      clock.after(LATE_EVIDENCE_MS, () => (synced = Math.max(synced, Math.min(count, disk.evidence.count))));
      return refs;
    },
  });
  return { swap: swapping('evidence', put), onCrash: () => disk.evidence.cutTo(synced) };
}

function intentsForgotten(): Planted {
  const apply = (state: ProcessState): Partial<ProcessState> => ({
    apply: (name, cursor, upserts, deletes) => state.apply(name, cursor, name === 'intents' ? [] : upserts, deletes),
  });
  return { swap: swapping('state', apply) };
}

function timersLost({ choices }: Ground): Planted {
  const after = (clock: Clock): Clock => changed(clock, { after: (delayMs, fn) => clock.after(delayMs, delayMs >= 100 && choices.chance(0.1) ? () => undefined : fn) });
  return { swap: (ports, clock) => ({ ports, clock: after(clock) }) };
}

function endedTwice({ choices }: Ground): Planted {
  const append = (store: EventStore): Partial<EventStore> => ({
    append: async (stream, expected, events, o) => {
      const answer = await store.append(stream, expected, events, o);
      const last = events.at(-1);
      if (answer.kind === 'appended' && last !== undefined && TERMINAL.test(last.type) && choices.chance(0.1)) await store.append(stream, answer.version, [again(last)]);
      return answer;
    },
  });
  return { swap: swapping('store', append) };
}

/** The same once more, soundly chained. */
function again({ bytes, hash, type, sealed }: NewEvent): NewEvent {
  const decoded = decodeEvent(bytes, hash);
  if (decoded.kind === 'failed') throw new Error(decoded.detail);
  const { recorded } = decoded;
  const [prepared] = prepareCommit(recorded, { ...recorded, commandId: sha256(recorded.commandId) }, recorded.at, [recorded.event]);
  if (prepared === undefined) throw new Error('one event makes one commit');
  return { id: prepared.recorded.id, type, bytes: prepared.bytes, hash: prepared.recorded.hash, sealed };
}

function rowsLost({ choices }: Ground): Planted {
  const apply = (views: ReadModels): Partial<ReadModels> => ({
    apply: (batch, side) => views.apply(choices.chance(0.05) ? { ...batch, upserts: {} } : batch, side),
  });
  return { swap: swapping('views', apply) };
}
