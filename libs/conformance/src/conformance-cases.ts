import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, it } from '@jest/globals';

/** One rule of a port. `slug` is permanent: reports of different releases are compared by it. */
export type ConformanceCase<S> = {
  readonly slug: string;
  /** what the subject must be able to do; left out where the binding says that the adapter lacks it */
  readonly needs?: string;
  run(subject: S): Promise<void>;
};

/** What a factory makes for one case: a fresh adapter and how to be rid of it. */
export type Subject = { dispose(): Promise<void> };

type Status = 'ok' | 'failed' | 'not-applicable';

/**
 * Registers one Jest test per case, numbered from 1 in the order given, each with a subject of its own.
 * With MAESTRO_CONFORMANCE_DIR set it also writes `<port>.<adapter>.json`: {port, adapter, cases: {"1 slug": status}}.
 */
export function runConformanceCases<S extends Subject>(
  port: string,
  adapter: string,
  factory: () => Promise<S>,
  cases: readonly ConformanceCase<S>[],
  lacks: readonly string[] = [],
): void {
  const statuses: Record<string, Status> = {};
  describe(`${port}: ${adapter}`, () => {
    for (const [index, rule] of cases.entries()) {
      const name = `${index + 1} ${rule.slug}`;
      const applies = rule.needs === undefined || !lacks.includes(rule.needs);
      statuses[name] = applies ? 'failed' : 'not-applicable';
      if (!applies) continue;
      it(name, async () => {
        const subject = await factory();
        try {
          await rule.run(subject);
          statuses[name] = 'ok';
        } finally {
          await subject.dispose();
        }
      });
    }
    afterAll(() => writeReport(port, adapter, statuses));
  });
}

function writeReport(port: string, adapter: string, cases: Readonly<Record<string, Status>>): void {
  const dir = process.env['MAESTRO_CONFORMANCE_DIR'];
  if (dir === undefined || dir === '') return;
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${port}.${adapter}.json`), `${JSON.stringify({ port, adapter, cases }, null, 2)}\n`);
}
