import { categoryOf, idOf, parseStreamName, type StreamName } from '@maestro/domain';
import type { NatsNames } from '../connection/nats-settings.ts';

/**
 * Names of the event stream: `MC_EV`, `mc.ev.<category>.<id>`, `mc.head`, where the server tells of each new message, and `mc.mark` in
 * MC_MARK for the newest acknowledged commit.
 */
export class EventSubjects {
  readonly stream: string;
  /** what the stream takes */
  readonly all: string;
  readonly head: string;
  readonly markStream: string;
  readonly mark: string;
  readonly #prefix: string;

  constructor(names: NatsNames) {
    this.stream = names.stream('ev');
    this.all = names.subject('ev', '*', '*');
    this.head = names.subject('head');
    this.markStream = names.stream('mark');
    this.mark = names.subject('mark');
    this.#prefix = `${names.subject('ev')}.`;
  }

  /** A stream name has only letters that are safe in a subject: the port's grammar says so, and it is checked before. */
  of(stream: StreamName): string {
    return `${this.#prefix}${categoryOf(stream)}.${idOf(stream)}`;
  }

  /** Undefined for a subject that no stream name gives. */
  streamOf(subject: string): StreamName | undefined {
    const [category, id, ...more] = subject.startsWith(this.#prefix) ? subject.slice(this.#prefix.length).split('.') : [];
    return id === undefined || more.length > 0 ? undefined : parseStreamName(`${category}-${id}`);
  }
}
