/** What one look found. `advice`: what to do; null where nothing is to be done. */
export type Finding = {
  /** which dependency, such as `event-store` */
  readonly check: string;
  /** `skipped`: it could not be looked at now, and `detail` says why */
  readonly status: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly detail: string;
  readonly advice: string | null;
  /** single things that are concerned: streams, files, runs */
  readonly items: readonly string[];
  /** what `--repair` would do; undefined: nothing that is safe */
  readonly repair?: Repair;
};

/** Mends one thing; answers what it did. */
export type Repair = { readonly what: string; readonly mend: () => Promise<void> };

/** Items listed of one finding; `detail` counts all. */
export const ITEMS_MAX = 20;

export function fine(check: string, detail: string, items: readonly string[] = []): Finding {
  return { check, status: 'ok', detail, advice: null, items };
}

export function warning(check: string, detail: string, advice: string, more: Pick<Finding, 'repair'> & { readonly items?: readonly string[] } = {}): Finding {
  return { items: [], ...more, check, status: 'warning', detail, advice };
}

export function problem(check: string, detail: string, advice: string, more: Pick<Finding, 'repair'> & { readonly items?: readonly string[] } = {}): Finding {
  const { items = [], ...rest } = more;
  return { ...rest, check, status: 'problem', detail, advice, items: items.slice(0, ITEMS_MAX) };
}

export function skipped(check: string, detail: string): Finding {
  return { check, status: 'skipped', detail, advice: null, items: [] };
}

/** A fault's own words hold what happened and, after the last `;` or `:`, what to do. */
export function broken(check: string, error: unknown, advice: string): Finding {
  return problem(check, (error as Error).message, advice);
}
