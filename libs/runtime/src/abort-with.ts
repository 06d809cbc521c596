/**
 * A controller that is aborted with `signal`, and can be aborted before. `AbortSignal.any` does the same, but Node keeps a
 * signal that it made, with everything that listens to it, for as long as its sources are quiet: for ever where a process
 * is thought to have crashed. Call `release` when nothing listens any more.
 */
export function abortWith(signal: AbortSignal): { readonly controller: AbortController; release(): void } {
  const controller = new AbortController();
  const pass = (): void => controller.abort(signal.reason);
  if (signal.aborted) pass();
  else signal.addEventListener('abort', pass, { once: true });
  return { controller, release: () => signal.removeEventListener('abort', pass) };
}
