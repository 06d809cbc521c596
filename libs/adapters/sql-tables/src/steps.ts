/** What a column of ours holds. */
export type Value = string | number | null;

/** One statement, and its parameters in the order of their marks. */
export type Statement = { readonly sql: string; readonly parameters: readonly unknown[] };

/** One statement for many rows, of as many values each; `ViewsDialect` says how it takes them. */
export type RowsStatement = { readonly sql: string; readonly rows: readonly (readonly Value[])[] };

export type Step = Statement | RowsStatement;

/** A row that was found. */
export type Found = { readonly [column: string]: unknown };

/**
 * Work on a database as the statements that it needs one after the other, so that the same work is carried out at once
 * where a database answers at once, and with a wait for each where it is behind a network.
 */
export type Steps<T> = Generator<Step, T, readonly Found[]>;

/** Carries steps out without a pause. */
export function runAtOnce<T>(steps: Steps<T>, run: (step: Step) => readonly Found[]): T {
  let next = steps.next();
  while (next.done !== true) next = steps.next(run(next.value));
  return next.value;
}

/** Carries steps out, each after the answer to the one before. */
export async function runInTurn<T>(steps: Steps<T>, run: (step: Step) => Promise<readonly Found[]>): Promise<T> {
  let next = steps.next();
  while (next.done !== true) next = steps.next(await run(next.value));
  return next.value;
}
