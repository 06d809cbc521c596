import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Flip } from './choose-flips.ts';
import type { Sources } from './flip-bench.ts';
import type { FlipOrder } from './flip-worker.ts';
import type { Verdict } from './judge.ts';

const ENTRY = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './flip-worker.ts' : './flip-worker.js', import.meta.url));
/** A probe takes a fraction of a second; one that takes so long hangs. */
const FLIP_MAX_MS = 30_000;

/** A process of its own for flips, since damage may end one: that is a verdict, too, and the next flip gets a new process. */
export class FlipProcess {
  readonly #sources: Sources;
  readonly #work: string;
  #child: ChildProcess | undefined;

  constructor(sources: Sources, work: string) {
    this.#sources = sources;
    this.#work = work;
  }

  async flip(flip: Flip): Promise<Verdict> {
    const child = this.#child ?? this.#begin();
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const failed = (detail: string): void => resolve({ kind: 'uncoded', question: null, detail });
    const died = (code: number | null, signal: string | null): void => failed(`the process ended with ${signal ?? code}`);
    const timer = setTimeout(() => failed(`no end after ${FLIP_MAX_MS} ms`), FLIP_MAX_MS);
    child.once('message', resolve as (message: unknown) => void).once('exit', died);
    child.send({ kind: 'flip', flip } satisfies FlipOrder);
    const verdict = await promise;
    clearTimeout(timer);
    child.removeAllListeners('message').off('exit', died);
    if (verdict.kind === 'uncoded') this.end();
    return verdict;
  }

  end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #begin(): ChildProcess {
    rmSync(this.#work, { recursive: true, force: true });
    mkdirSync(this.#work, { recursive: true });
    const child = fork(ENTRY, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.send({ kind: 'sources', sources: this.#sources, work: this.#work } satisfies FlipOrder);
    this.#child = child;
    return child;
  }
}
