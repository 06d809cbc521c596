import type { Work, WorkKind } from '@maestro/ports';
import type { NatsNames } from '../connection/nats-settings.ts';
import { idOfToken, subjectToken } from '../connection/subject-token.ts';

/** What a subject of the work stream says about its message. */
export type WorkAddress = { readonly kind: WorkKind; readonly workClass: string; readonly intentId: string };

/**
 * Names of the work queue: `mc.work.<kind>.<class>.<intent>` in MC_WORK, `mc.ctl.<class>` for revokes, `mc.parked.<intent>`
 * in MC_PARKED. A subject of its own for each intent lets the server say whether it has the intent.
 */
export class WorkSubjects {
  readonly #names: NatsNames;
  readonly workStream: string;
  readonly parkedStream: string;

  constructor(names: NatsNames) {
    this.#names = names;
    this.workStream = names.stream('work');
    this.parkedStream = names.stream('parked');
  }

  get allWork(): string {
    return this.#names.subject('work', '>');
  }

  work({ kind, workClass, intentId }: Work): string {
    return this.#names.subject('work', kind, subjectToken(workClass), subjectToken(intentId));
  }

  /** Whatever its kind and class. */
  anyWork(intentId: string): string {
    return this.#names.subject('work', '*', '*', subjectToken(intentId));
  }

  lane(kind: WorkKind, workClass: string): string {
    return this.#names.subject('work', kind, subjectToken(workClass), '*');
  }

  /** Name of the consumer that all runners of one class share. */
  consumer(kind: WorkKind, workClass: string): string {
    return `w-${kind}-${subjectToken(workClass)}`;
  }

  control(workClass: string): string {
    return this.#names.subject('ctl', subjectToken(workClass));
  }

  get allParked(): string {
    return this.#names.subject('parked', '*');
  }

  parked(intentId: string): string {
    return this.#names.subject('parked', subjectToken(intentId));
  }

  /** Undefined for a subject that this class never makes. */
  addressOf(subject: string): WorkAddress | undefined {
    const [prefix, work, kind, workClass = '', intent = '', ...more] = subject.split('.');
    const [ofClass, ofIntent] = [idOfToken(workClass), idOfToken(intent)];
    if (prefix !== this.#names.prefix || work !== 'work' || more.length > 0 || ofClass === undefined || ofIntent === undefined) return undefined;
    return kind === 'policy' || kind === 'task' ? { kind, workClass: ofClass, intentId: ofIntent } : undefined;
  }
}
