/** One edit of a source file: `find` stands in it exactly once. Paths are those of the repository. */
export type Edit = { readonly file: string; readonly find: string; readonly put: string };

/** What shows that a bug is gone: a spec by the words of its name, or a harness with a seed. */
export type Case = { readonly kind: 'spec'; readonly file: string; readonly test: string } | { readonly kind: 'harness'; readonly args: readonly string[] };

/** A bug of the product that somebody or something found, and what is kept of it. */
export type Bug = {
  /** `./maestro chaos --reproduce <id>` */
  readonly id: string;
  /** what went wrong, for whom */
  readonly what: string;
  readonly foundBy: FoundBy;
  /** subject of the commit */
  readonly fixedIn: string;
  readonly kept: Case;
  /** brings the old fault back, in memory only: the kept case has to fail on it. Empty: the case runs compiled code, which none of this reaches */
  readonly plant: readonly Edit[];
};

/** By what a bug came to light. `review`: somebody read the code, or wrote its spec. */
export type FoundBy =
  | 'simulation'
  | 'crash at every call'
  | 'fault at every call'
  | 'syscall sweep'
  | 'kill -9'
  | 'bit flips'
  | 'receipt tampering'
  | 'soak'
  | 'network faults'
  | 'faults on clusters'
  | 'reads beside a writer'
  | 'generated requests'
  | 'hostile input'
  | 'hostile packages'
  | 'benchmark'
  | 'review';
