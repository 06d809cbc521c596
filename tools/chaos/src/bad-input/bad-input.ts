/** One request as it is sent; the path may hold the placeholders of `Surroundings`, in braces. */
export type Sent = {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
};

/** The same mistake on the command line; `{file}` is the file, if there is one. */
export type CommandLine = {
  readonly args: readonly string[];
  readonly file?: { readonly name: string; readonly content: string | Uint8Array };
  readonly exitCode: number;
  /** where the command line notices it by itself, or says it in its own words */
  readonly code?: string;
};

/** One row of the table: a mistake, through REST and on the command line, and how each refuses it. */
export type BadInput = {
  readonly name: string;
  readonly rest: Sent;
  readonly status: number;
  readonly code: string;
  /** code of one of `errors[]` */
  readonly problem?: string;
  /** part of what the answer says */
  readonly says: string;
  /** not given: a command line cannot make this mistake */
  readonly cli?: CommandLine;
};

/** What was there before: ids of what the rows speak of, which stand for `{name}` in paths and arguments. */
export type Surroundings = Readonly<Record<'succeeded' | 'running' | 'none', string>>;

/** Fills in the placeholders. */
export function filled(text: string, around: Readonly<Record<string, string>>): string {
  return Object.entries(around).reduce((sum, [name, value]) => sum.replaceAll(`{${name}}`, value), text);
}
