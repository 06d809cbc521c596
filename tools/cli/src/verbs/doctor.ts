import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { renderFindings } from '../report/findings.ts';
import type { VerbContext } from './verb-context.ts';

export type DoctorFlags = {
  readonly data?: string | undefined;
  readonly config?: string | undefined;
  readonly repair?: boolean | undefined;
  readonly json?: boolean | undefined;
};

/** A long sweep tells how far it is, this often. */
const PROGRESS_EVERY_MS = 2_000;

/** Looks at what a conductor started here would depend on; exit code 1 where anything is wrong. */
export async function doctor(flags: DoctorFlags, { settings, screen }: VerbContext): Promise<number> {
  // loaded late: the conductor's code is large
  const { examine } = await import('@maestro/conductor');
  const args = [...given('--data', flags.data), ...given('--config', flags.config)];
  let toldMs = performance.now();
  const onProgress = (done: number, total: number): void => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    screen.note(screen.paintNote('faint', `${done} of ${total} looked at …`));
  };
  const report = await examine({ args, environment: settings.environment, cwd: settings.cwd, repair: flags.repair === true, onProgress });
  const exitCode = report.ok ? EXIT.ok : EXIT.unexpected;
  if (flags.json === true) {
    screen.out(JSON.stringify({ ...report, exitCode }, null, 2));
    return exitCode;
  }
  screen.out(renderFindings(report, screen.paintOut));
  if (!report.ok && flags.repair !== true) screen.out(`\n  next: ${PROGRAM} doctor --repair${flags.data === undefined ? '' : ` --data ${flags.data}`}  mends what loses nothing`);
  return exitCode;
}

function given(flag: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`${flag}=${value}`];
}
