import { VALUE_LIMITS } from '@maestro/ports';
import type { Answer, ChildAnswer, EndedAttempt, Ending } from './attempt-ending.ts';
import { failed, isChildAnswer } from './attempt-ending.ts';
import { BoundedLog } from './bounded-log.ts';
import { ABORT_SIGNAL, isChildEvent } from './child-protocol.ts';
import { joinedParts } from './output-parts.ts';
import type { RssWatchdog } from './rss-watchdog.ts';

const STDERR_TAIL_LENGTH = 16_384;
const NO_ANSWER = 'the process of the package sent what its host never sends';

export type AttemptLimits = {
  /** for a child to come up and take its task */
  readonly startMaxMs: number;
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly rssMaxBytes: number;
};
/** As the child says it, before the parts of a large output are put together. */
type ChildEnding = Exclude<Ending, { kind: 'answered' }> | { readonly kind: 'answered'; readonly answer: ChildAnswer };
/** The library's promise of one call: it can be cancelled, which ends the child. */
export type Call = PromiseLike<unknown> & { cancel(): unknown };

/**
 * One call to one child, seen from the parent.
 * 1. Limits count from `started`; before it there is only the limit for starting.
 * 2. The first ending decides: what comes after it (an answer in the grace time, the exit that a kill causes) adds
 *    log and nothing else. A cancel is always an ending, whatever the package answers to it.
 * 3. Nothing is signalled or killed once the call has settled: the process id may be another's by then.
 */
export class ChildAttempt {
  readonly #limits: AttemptLimits;
  readonly #watchdog: RssWatchdog;
  readonly #signal: AbortSignal;
  readonly #log = new BoundedLog();
  readonly #timers: NodeJS.Timeout[] = [];
  #unwatch = (): void => undefined;
  #pid: number | null = null;
  #settled = false;
  #ending: ChildEnding | null = null;
  #stderrTail = '';
  #parts: Buffer[] = [];
  #partBytes = 0;

  constructor(limits: AttemptLimits, watchdog: RssWatchdog, signal: AbortSignal) {
    this.#limits = limits;
    this.#watchdog = watchdog;
    this.#signal = signal;
  }

  /** How the call ended; null when nothing of the package ran. */
  async end(call: Call): Promise<EndedAttempt | null> {
    const onCancel = (): void => this.#onCancel();
    this.#signal.addEventListener('abort', onCancel, { once: true });
    this.#after(this.#limits.startMaxMs, () => this.#pid === null && call.cancel());
    const answer = await Promise.resolve(call).then(
      (value) => this.#answered(value),
      (error: unknown) => this.#exited(error),
    );
    this.#settled = true;
    this.#signal.removeEventListener('abort', onCancel);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#unwatch();
    const ending = this.#ending ?? (this.#pid === null ? null : { kind: 'answered' as const, answer });
    if (ending !== null) return { ending: ending.kind === 'answered' ? { kind: 'answered', answer: await this.#joined(ending.answer) } : ending, log: String(this.#log) };
    return this.#signal.aborted ? { ending: { kind: 'cancelled' }, log: '' } : null;
  }

  /** `event`: what the child sent. Its host sends events only; a package, or what it uses, may send anything. */
  onEvent(event: unknown): void {
    if (!isChildEvent(event)) return this.#finish({ kind: 'answered', answer: failed('PACKAGE_CRASHED', NO_ANSWER, true) });
    switch (event.kind) {
      case 'started':
        return this.#onStarted(event.pid);
      case 'log':
        return this.#log.add(event.text);
      case 'output-part':
        return this.#onPart(Buffer.from(event.text));
      case 'memory':
        return this.#onMemory(event.rssBytes);
      case 'last-answer':
        return this.#finish({ kind: 'answered', answer: this.#answered(event.answer) });
      case undefined:
        // No part of the log: it may be of an earlier task. What the engine says before it dies is among it.
        this.#stderrTail = (this.#stderrTail + (event.stderr ?? '')).slice(-STDERR_TAIL_LENGTH);
    }
  }

  /** At once and for good. */
  kill(): void {
    this.#send('SIGKILL');
  }

  #answered(value: unknown): ChildAnswer {
    if (isChildAnswer(value)) return value;
    this.kill();
    return failed('PACKAGE_CRASHED', NO_ANSWER, true);
  }

  // The first one is the host's, sent before anything of the package ran: a later one could name any process to be killed.
  #onStarted(pid: number): void {
    if (this.#pid !== null) return;
    this.#pid = pid;
    if (this.#signal.aborted) return this.#finish({ kind: 'cancelled' });
    this.#after(this.#limits.timeoutMs, () => this.#finish({ kind: 'timed-out' }));
    this.#unwatch = this.#watchdog.watch(pid, (rssBytes) => this.#onMemory(rssBytes));
  }

  #onPart(part: Buffer): void {
    this.#partBytes += part.length;
    if (this.#partBytes <= VALUE_LIMITS.outputBytesMax) return void this.#parts.push(part);
    this.#parts = [];
    this.#finish({ kind: 'answered', answer: failed('OUTPUT_TOO_LARGE', `the output has over ${VALUE_LIMITS.outputBytesMax} bytes of JSON`, false) });
  }

  /** The answer, with the parts that went ahead of it put together. */
  async #joined(answer: ChildAnswer): Promise<Answer> {
    const parts = this.#parts;
    this.#parts = [];
    if (answer.kind !== 'output-parts') return answer;
    if (answer.sizeBytes === this.#partBytes) return { kind: 'large-output', bytes: await joinedParts(parts, answer.sizeBytes) };
    return failed('PACKAGE_CRASHED', `${this.#partBytes} of ${answer.sizeBytes} bytes of the output came`, true);
  }

  #onMemory(rssBytes: number): void {
    if (rssBytes <= this.#limits.rssMaxBytes) return;
    this.#finish({ kind: 'answered', answer: outOfMemory(`more than ${this.#limits.rssMaxBytes} bytes of resident memory`) });
  }

  #onCancel(): void {
    if (this.#pid === null || this.#ending !== null) return;
    this.#ending = { kind: 'cancelled' };
    this.#send(ABORT_SIGNAL);
    this.#after(this.#limits.graceMs, () => this.kill());
  }

  #finish(ending: ChildEnding): void {
    this.#ending ??= ending;
    this.kill();
  }

  // The library's message names folders and arguments of the host: only the code of the exit is passed on.
  #exited(error: unknown): ChildAnswer {
    if (/heap out of memory/.test(this.#stderrTail)) return outOfMemory('more heap than its limit');
    const text = String((error as { message?: unknown }).message);
    const [code, signal] = ['exitCode', 'signalCode'].map((field) => new RegExp(`${field}: \`(\\w+)\``).exec(text)?.[1]);
    const how = signal === undefined || signal === 'null' ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
    return failed('PACKAGE_CRASHED', `the process of the package ended before its answer (${how})`, true);
  }

  #after(ms: number, then: () => void): void {
    this.#timers.push(setTimeout(then, ms));
  }

  #send(signal: NodeJS.Signals): void {
    if (this.#pid === null || this.#settled) return;
    try {
      process.kill(this.#pid, signal);
    } catch {
      // Gone already, or no such signal on this system: the grace time ends it.
    }
  }
}

function outOfMemory(what: string): ChildAnswer {
  return failed('PACKAGE_MEMORY', `the package used ${what}; give it less to do at once, or raise the limit`, false);
}
