import type { Json, JsonObject } from '@maestro/domain';
import type { TaskContext } from '@maestro/ports';
import type { ChildAnswer } from './attempt-ending.ts';

/** Bytes of JSON: above `largeBytes` an output is not parsed by the conductor, above `maxBytes` it is refused. */
export type OutputLimits = { readonly largeBytes: number; readonly maxBytes: number };

/** Parent to child: run this. One at a time. */
export type ChildRequest = {
  readonly moduleUrl: string;
  /** `pkg:<group>/<name>@<version>` */
  readonly uses: string;
  readonly input: Json;
  readonly context: TaskContext;
  readonly settings: JsonObject;
  readonly outputLimits: OutputLimits;
  /** the child tells its own resident size, where the parent cannot read it */
  readonly reportMemory: boolean;
};

/** Child to parent while it runs. `started` comes first; without it nothing of the package has run. */
export type ChildEvent =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'memory'; readonly rssBytes: number }
  /** the next part of a large output; parts of one output are all sent before its answer */
  | { readonly kind: 'output-part'; readonly text: string }
  /** the answer of a child that must not be used again: it waits to be killed */
  | { readonly kind: 'last-answer'; readonly answer: ChildAnswer }
  /** raw output that went past the child's own capture (native code, `fs.writeSync`), told by the pool */
  | { readonly kind?: undefined; readonly stdout?: string; readonly stderr?: string };

/**
 * Asks a child to abort what it runs. A signal, because the pool has no message for one chosen child; a child that got
 * it is not used again, so a late one can never hit another task. SIGTERM stays with the pool, which kills by it.
 */
export const ABORT_SIGNAL = 'SIGUSR2';
export const MEMORY_EVERY_MS = 100;

/** True for what a host, or the pool, sends. */
export function isChildEvent(value: unknown): value is ChildEvent {
  if (value === null || typeof value !== 'object') return false;
  const event = value as { readonly [field: string]: unknown };
  const isTextOrNone = (text: unknown): boolean => text === undefined || typeof text === 'string';
  switch (event['kind']) {
    case 'started':
      return Number.isSafeInteger(event['pid']);
    case 'log':
    case 'output-part':
      return typeof event['text'] === 'string';
    case 'memory':
      return typeof event['rssBytes'] === 'number';
    case 'last-answer':
      return true; // judged as every answer is
    case undefined:
      return isTextOrNone(event['stdout']) && isTextOrNone(event['stderr']);
    default:
      return false;
  }
}
