import type { Intent } from '@maestro/domain';
import { isClosedBy, subjectOf } from './intent-subject.ts';

/** Intents of one run, and of one kind of work, that are handed out at once. */
export const IN_FLIGHT_MAX = 32;

/** What is handed out: everything but timers. */
export type Dispatched = Exclude<Intent, { kind: 'timer' }>;
type Lane = { readonly out: Set<string>; readonly waiting: Map<string, Dispatched> };
type Turn = { readonly checks: Lane; readonly tasks: Lane; /** what is held, by its subject: one at a time each */ readonly held: Map<string, Dispatched> };

/**
 * Which open intents are handed out, and which wait until their run has a slot.
 * T1. Of one stream at most IN_FLIGHT_MAX policy checks and as many tasks are handed out; the others wait in the order in
 *     which they were offered. Checks never wait for tasks: they have a deadline, and tasks may take hours. Scheduling more
 *     takes its turn behind the tasks that are scheduled already, so a wide run grows no faster than it is worked off.
 * T2. An intent that is held (handed out, or waiting) is not taken a second time.
 * T3. Every step costs the same however wide the run is and however many there are.
 */
export class RunTurns {
  readonly #turns = new Map<string, Turn>();

  /** Answers what to hand out now: this one, or nothing where it waits for a slot or is held already. */
  offer(intent: Dispatched): readonly Dispatched[] {
    if (this.holds(intent)) return [];
    const { stream, key, eventId } = intent;
    const subject = subjectOf(stream, key);
    const before = this.#turns.get(stream)?.held.get(subject);
    const superseded = before === undefined ? [] : this.release(before);
    const turn = this.#turnOf(stream);
    turn.held.set(subject, intent);
    const { out, waiting } = laneOf(turn, intent);
    if (out.size >= IN_FLIGHT_MAX) {
      waiting.set(eventId, intent);
      return superseded;
    }
    out.add(eventId);
    return [...superseded, intent];
  }

  holds({ stream, key, eventId }: Dispatched): boolean {
    return this.#turns.get(stream)?.held.get(subjectOf(stream, key))?.eventId === eventId;
  }

  /** What has a slot: handed out, or about to be. */
  *handedOut(): Iterable<Dispatched> {
    for (const { held, checks, tasks } of this.#turns.values()) {
      for (const intent of held.values()) if (checks.out.has(intent.eventId) || tasks.out.has(intent.eventId)) yield intent;
    }
  }

  /** It is closed, or could not be handed out. Answers what has its slot now, to be handed out. */
  release(intent: Dispatched): readonly Dispatched[] {
    const turn = this.#turns.get(intent.stream);
    if (turn === undefined || !this.holds(intent)) return [];
    const lane = laneOf(turn, intent);
    turn.held.delete(subjectOf(intent.stream, intent.key));
    lane.waiting.delete(intent.eventId);
    lane.out.delete(intent.eventId);
    if (turn.held.size === 0) this.#turns.delete(intent.stream);
    return admit(lane);
  }

  /** What an event closes is released. Answers what has its slot now, to be handed out. */
  close(stream: string, close: string): readonly Dispatched[] {
    const subject = subjectOf(stream, close);
    if (subject === '') this.#turns.delete(stream);
    const held = this.#turns.get(stream)?.held.get(subject);
    return held !== undefined && isClosedBy(close, held.key) ? this.release(held) : [];
  }

  /** Tasks of a run that still wait for a slot will not be handed out any more. Answers what has a slot now. */
  dropWaitingTasks(stream: string): readonly Dispatched[] {
    const waiting = [...(this.#turns.get(stream)?.tasks.waiting.values() ?? [])];
    return waiting.flatMap((intent) => (intent.kind === 'task' ? this.release(intent) : []));
  }

  #turnOf(stream: string): Turn {
    const known = this.#turns.get(stream);
    if (known !== undefined) return known;
    const lane = (): Lane => ({ out: new Set(), waiting: new Map() });
    const made: Turn = { checks: lane(), tasks: lane(), held: new Map() };
    this.#turns.set(stream, made);
    return made;
  }
}

function laneOf(turn: Turn, { kind }: Dispatched): Lane {
  return kind === 'policy-check' ? turn.checks : turn.tasks;
}

/** There is room for one more at most: a lane waits only while it is full. */
function admit({ out, waiting }: Lane): readonly Dispatched[] {
  const [next] = waiting.values();
  if (next === undefined || out.size >= IN_FLIGHT_MAX) return [];
  waiting.delete(next.eventId);
  out.add(next.eventId);
  return [next];
}
