import type { Json, JsonObject } from '@maestro/domain';
import { VALUE_LIMITS } from '@maestro/ports';
import type { TaskContext } from '@maestro/ports';
import type { TaskPackage } from '@maestro/worker';
import type { EndedAttempt, Ending } from './attempt-ending.ts';
import { BoundedLog } from './bounded-log.ts';
import { execute } from './execute.ts';

/**
 * Runs a package in this process. It cannot be killed here: after a cancel it has the grace time, after a time-out it
 * has none; what it still does then is nobody's, and the attempt is over. Its output is bounded as its arguments are, for
 * here it is worked on at once.
 */
export async function runInline(
  o: {
    readonly taskPackage: TaskPackage;
    readonly input: Json;
    readonly context: TaskContext;
    readonly settings: JsonObject;
    readonly graceMs: number;
  },
  signal: AbortSignal,
): Promise<EndedAttempt> {
  const log = new BoundedLog();
  const controller = new AbortController();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<Ending>();
  const timers: NodeJS.Timeout[] = [];
  const after = (ms: number, then: () => void): void => void timers.push(setTimeout(then, ms));
  const onCancel = (): void => {
    controller.abort(signal.reason);
    after(o.graceMs, () => stop({ kind: 'cancelled' }));
  };
  if (signal.aborted) return { ending: { kind: 'cancelled' }, log: '' };
  signal.addEventListener('abort', onCancel, { once: true });
  after(o.context.timeoutMs, () => {
    // A cancel that came first decides; its grace time may outlast this limit.
    if (signal.aborted) return;
    controller.abort(new DOMException('the attempt timed out', 'TimeoutError'));
    stop({ kind: 'timed-out' });
  });
  const line = (text: string): void => log.add(text.endsWith('\n') ? text : `${text}\n`);
  const context = { ...o.context, settings: o.settings, signal: controller.signal, log: line };
  const running = execute(o.taskPackage, o.input, context, { largeBytes: VALUE_LIMITS.inlineBytesMax, maxBytes: VALUE_LIMITS.argumentBytesMax });
  const ending = await Promise.race([running.then((answer): Ending => ({ kind: 'answered', answer })), stopped]);
  for (const timer of timers) clearTimeout(timer);
  signal.removeEventListener('abort', onCancel);
  return { ending: signal.aborted && ending.kind === 'answered' ? { kind: 'cancelled' } : ending, log: String(log) };
}
