import { never } from '@maestro/adapter-memory';
import type { Lifeline } from '@maestro/adapter-memory';
import type { Clock, FaultCode, Leased, Settlement } from '@maestro/ports';
import { Fault } from '@maestro/ports';
import type { CallFault, FaultKind, FaultPlan } from './fault-plan.ts';
import type { AnswerRule, PlainRule, PortRules, StreamRule } from './port-rules.ts';

/** Who says what happens to which call. */
export type Faults = Pick<FaultPlan, 'ofCall' | 'happens' | 'count' | 'delayMs' | 'coin'>;

/** Of one life: what its ports are made with. */
export type Surroundings = {
  readonly line: Lifeline;
  /** timers of this life */
  readonly clock: Clock;
  readonly plan: Faults;
  /** no write is possible */
  readonly isDiskFull: () => boolean;
  readonly crash: () => void;
  readonly note: (line: string) => void;
};

type Method = (...args: unknown[]) => unknown;
type Rule = AnswerRule | StreamRule | PlainRule | 'end';

/** A call that waits to be overtaken goes on after this long in any case. */
const OVERTAKEN_MS = 250;
const LATE_MS = 5_000;
/** Of the items of a subscription: a start folds hundreds of them, and begins again where it breaks off. */
const STREAM_SHARE = 0.001;
const SETTLEMENT_SHARE = 0.04;

/**
 * A port as one life of a process sees it: with every fault that its rules allow, and silent once the process is dead.
 * What a dead process had not yet asked for is not done.
 */
export function faultyPort<P extends object>(port: P, name: string, rules: PortRules<P>, around: Surroundings): P {
  const made = new Map<PropertyKey, Method>();
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const known = made.get(key);
      if (known !== undefined) return known;
      const rule = (rules as Readonly<Record<PropertyKey, Rule | undefined>>)[key];
      if (rule === undefined) throw new Error(`${name}.${String(key)} is no method of its port`);
      const method = new FaultyMethod(value.bind(target) as Method, `${name}.${String(key)}`, around).under(rule);
      made.set(key, method);
      return method;
    },
  });
}

class FaultyMethod {
  readonly #method: Method;
  readonly #call: string;
  readonly #around: Surroundings;
  /** calls that wait until a later one is answered */
  readonly #held = new Set<() => void>();

  constructor(method: Method, call: string, around: Surroundings) {
    this.#method = method;
    this.#call = call;
    this.#around = around;
  }

  under(rule: Rule): Method {
    if (rule === 'plain') return this.#method;
    if (rule === 'end') return (...args) => this.#around.line.whileAlive(this.#method(...args) as Promise<unknown>);
    if (rule === 'hands-out') return (kind, handler, o) => this.#method(kind, this.#losingSettlements(handler as Handler), o);
    if ('breaks' in rule) return (...args) => this.#streamed(this.#method(...args) as AsyncIterable<unknown>, rule.breaks);
    return (...args) => this.#answered(rule, args);
  }

  async #answered(rule: AnswerRule, args: readonly unknown[]): Promise<unknown> {
    const { line, plan, isDiskFull } = this.#around;
    if (line.isCut) return never();
    if (rule.writes && rule.before !== null && isDiskFull()) throw this.#fault(rule.before, 'the disk is full');
    const fault = plan.ofCall(rule);
    if (fault !== undefined) await this.#before(fault, rule);
    // whoever asked may have died while the call was on its way
    if (line.isCut) return never();
    const answer = await line.whileAlive(this.#method(...args) as Promise<unknown>);
    if (fault !== undefined) await this.#after(fault, rule, args);
    for (const release of this.#held) release();
    return line.whileAlive(Promise.resolve(answer));
  }

  async #before(fault: CallFault, rule: AnswerRule): Promise<void> {
    const { plan, crash } = this.#around;
    this.#noted(fault);
    if (fault === 'crash-before') crash();
    if (fault === 'delay') await this.#wait(plan.delayMs());
    if (fault === 'reorder') await this.#overtaken();
    if (fault === 'fail-before' && rule.before !== null) throw this.#fault(rule.before);
    if (fault === 'unknown-outcome' && rule.after !== null && plan.coin()) throw this.#fault(rule.after);
  }

  async #after(fault: CallFault, rule: AnswerRule, args: readonly unknown[]): Promise<void> {
    const { plan, crash, clock } = this.#around;
    const again = (): void => void (this.#method(...args) as Promise<unknown>).catch(() => undefined);
    if (fault === 'crash-after') crash();
    if (fault === 'duplicate') again();
    if (fault === 'late-duplicate') clock.after(1 + plan.delayMs() + (plan.coin() ? LATE_MS : 0), again);
    if ((fault === 'fail-after' || fault === 'unknown-outcome') && rule.after !== null) throw this.#fault(rule.after);
  }

  #losingSettlements(handler: Handler): Handler {
    const { plan } = this.#around;
    return async (leased, signal) => {
      const settlement = await handler(leased, signal);
      if (!plan.happens(SETTLEMENT_SHARE)) return settlement;
      this.#noted('lost-settlement');
      return { kind: 'retry', delayMs: plan.delayMs() };
    };
  }

  async *#streamed(items: AsyncIterable<unknown>, breaks: FaultCode): AsyncGenerator<unknown> {
    const { line, plan } = this.#around;
    for await (const item of items) {
      if (line.isCut) await never();
      if (plan.happens(STREAM_SHARE)) {
        this.#noted('broken-stream');
        throw this.#fault(breaks);
      }
      if (plan.happens(STREAM_SHARE)) {
        this.#noted('late-item');
        await this.#wait(plan.delayMs());
      }
      yield item;
    }
  }

  #noted(fault: FaultKind): void {
    this.#around.plan.count(fault);
    this.#around.note(`fault ${fault} ${this.#call}`);
  }

  #fault(code: FaultCode, why = 'as the seed wants it'): Fault {
    return new Fault(code, why, { retryable: code !== 'EVALUATION_FAILED' });
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#around.clock.after(ms, resolve));
  }

  #overtaken(): Promise<void> {
    return new Promise((resolve) => {
      const release = (): void => {
        this.#held.delete(release);
        cancel();
        resolve();
      };
      const cancel = this.#around.clock.after(OVERTAKEN_MS, release);
      this.#held.add(release);
    });
  }
}

type Handler = (leased: Leased, signal: AbortSignal) => Promise<Settlement>;
