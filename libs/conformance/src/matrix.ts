import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One numbered rule of a port. `needs` names the harness hooks without which it cannot be tried. */
export type ConformanceCase<Harness> = {
  readonly number: number;
  /** kebab-case; with the number it is the name of the test and of the matrix row */
  readonly name: string;
  readonly needs?: readonly (keyof Harness & string)[];
  run(harness: Harness): Promise<void>;
};

/** What a binding says about itself. */
export type ConformanceOptions = {
  /** case number → why this adapter cannot have it; must be exactly the cases whose hooks the harness lacks */
  readonly notApplicable?: Readonly<Record<number, string>>;
  /** limit of one case; default 20,000 */
  readonly caseTimeoutMs?: number;
};

type Row = { readonly status: 'ok' | 'failed' | 'not-run' | 'not-applicable'; readonly reason?: string };

const title = (c: { readonly number: number; readonly name: string }): string => `${c.number} ${c.name}`;

/** Numbers of the cases whose hooks this harness does not offer, ascending. */
export function gapsOf<Harness>(cases: readonly ConformanceCase<Harness>[], harness: Harness): number[] {
  const lacks = (hook: keyof Harness): boolean => harness[hook] === undefined;
  return cases.filter((c) => (c.needs ?? []).some(lacks)).map((c) => c.number);
}

/** `<port> on <adapter>` and one line per case: number, name, status, reason. */
export function renderMatrix(port: string, adapter: string, rows: ReadonlyMap<string, Row>): string {
  const word = (r: Row): string => (r.reason === undefined ? r.status : `n/a (${r.reason})`);
  const lines = [...rows].map(([name, r]) => `  ${name} | ${word(r)}`);
  return `${port} on ${adapter}\n${lines.join('\n')}\n`;
}

/**
 * Prints the matrix. Where MAESTRO_CONFORMANCE_DIR names a folder it also writes `<port>.<adapter>.json` there, for CI
 * to join into a table: {port, adapter, cases: name → status, reasons: name → why not}.
 */
function publish(port: string, adapter: string, rows: ReadonlyMap<string, Row>): void {
  process.stdout.write(renderMatrix(port, adapter, rows));
  const folder = process.env['MAESTRO_CONFORMANCE_DIR'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  const cases = Object.fromEntries([...rows].map(([name, r]) => [name, r.status]));
  const reasons = Object.fromEntries(
    [...rows].flatMap(([name, r]) => (r.reason === undefined ? [] : [[name, r.reason]])),
  );
  const body = { port, adapter, cases, reasons };
  writeFileSync(join(folder, `${port}.${adapter}.json`), `${JSON.stringify(body, null, 2)}\n`);
}

/**
 * Declares one Jest test per applicable case, each on a fresh harness, and one that fails unless the cases left out
 * are exactly those that the binding explains. Call it at the top of a spec file.
 */
export function conformanceSuite<Harness extends { dispose(): Promise<void> }>(
  port: string,
  adapter: string,
  cases: readonly ConformanceCase<Harness>[],
  factory: () => Promise<Harness>,
  o: ConformanceOptions = {},
): void {
  const excused = o.notApplicable ?? {};
  const rows = new Map<string, Row>();
  for (const c of cases) {
    const reason = excused[c.number];
    rows.set(title(c), reason === undefined ? { status: 'not-run' } : { status: 'not-applicable', reason });
  }
  describe(`${port} conformance: ${adapter}`, () => {
    for (const c of cases.filter(({ number }) => excused[number] === undefined)) {
      it(
        title(c),
        async () => {
          rows.set(title(c), { status: 'failed' });
          const harness = await factory();
          try {
            await c.run(harness);
          } finally {
            await harness.dispose();
          }
          rows.set(title(c), { status: 'ok' });
        },
        o.caseTimeoutMs ?? 20_000,
      );
    }
    it('leaves out exactly the cases that the binding explains', async () => {
      const harness = await factory();
      const gaps = gapsOf(cases, harness);
      await harness.dispose();
      expect(Object.keys(excused).map(Number)).toEqual(gaps);
      expect(Object.values(excused).filter((reason) => reason.trim() === '')).toEqual([]);
    });
    it('numbers its cases 1 to n without a gap', () => {
      expect(cases.map((c) => c.number)).toEqual(cases.map((_, i) => i + 1));
    });
    afterAll(() => publish(port, adapter, rows));
  });
}
