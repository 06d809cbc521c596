import type { EventEmitter } from 'node:events';
import type { ChildHost } from './child-host.ts';
import { ABORT_SIGNAL } from './child-protocol.ts';

/** The part of a stream that printing goes through. */
type Printable = { write: NodeJS.WriteStream['write'] };
/** The parts of `process` that a child's host listens to. */
export type WiredProcess = Pick<EventEmitter, 'on'> & { readonly stdout: Printable; readonly stderr: Printable };

/** Tells the host of all that happens to its process. */
export function wire(host: ChildHost, target: WiredProcess): void {
  target.on('uncaughtException', (error: unknown) => host.onUncaught(error));
  target.on('unhandledRejection', (error: unknown) => host.onUncaught(error));
  target.on(ABORT_SIGNAL, () => host.onAbort());
  // Ctrl-C in a terminal reaches the whole process group: it is for the parent to say what becomes of its tasks.
  target.on('SIGINT', () => undefined);
  target.on('exit', () => host.onExit());
  for (const stream of [target.stdout, target.stderr]) captureWrites(stream, (text) => host.onOutput(text));
}

// All that is printed goes to `sink` and nothing to the stream, so that it has a task, an order and a bound.
function captureWrites(stream: Printable, sink: (text: string) => void): void {
  const write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    sink(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  };
  stream.write = write as Printable['write'];
}
