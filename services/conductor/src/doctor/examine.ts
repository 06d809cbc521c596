import { readConfig } from '../config.ts';
import { pathsOf } from '../data-folder.ts';
import { checkFolder, checkToken, findRunning, hasFolder, heldBy } from './check-folder.ts';
import { checkKeys } from './check-keys.ts';
import { checkConfig, checkRuntime, checkShipped } from './check-program.ts';
import { askForRebuild, checkRecords } from './check-records.ts';
import { checkStore } from './check-store.ts';
import type { Progress } from './check-store.ts';
import { broken, fine, skipped } from './finding.ts';
import type { Finding } from './finding.ts';

export type Examination = {
  /** flags of the conductor, such as `--data` and `--config` */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** mend what can be mended without losing anything */
  readonly repair: boolean;
  readonly onProgress: Progress;
};

/** `ok`: no problem is left; warnings may be. */
export type DoctorReport = {
  readonly ok: boolean;
  readonly dataDir: string;
  readonly findings: readonly Omit<Finding, 'repair'>[];
  /** what was mended, in words */
  readonly repaired: readonly string[];
};

/**
 * Looks at everything that a conductor depends on, and says what to do. Changes nothing that a start would not change,
 * unless asked to repair; what a running conductor holds is asked of it, the rest is read beside it.
 */
export async function examine({ args, environment, cwd, repair, onProgress }: Examination): Promise<DoctorReport> {
  const reading = readConfig(args, environment, cwd);
  const folder = pathsOf(reading.config.dataDir);
  const findings: Finding[] = [...checkRuntime(), ...checkConfig(reading, environment), ...(await checkShipped()), ...checkFolder(folder)];
  if (hasFolder(folder)) {
    findings.push(checkToken(folder, reading.config));
    const { running, findings: asked } = await findRunning(folder);
    findings.push(...asked);
    const { sweep, findings: stored } = await checkStore(folder, onProgress);
    findings.push(...stored, ...(await checkKeys(folder, (sweep?.eventCount ?? 0) > 0)));
    if (sweep !== undefined && sweep.markFault !== null) findings.push(skipped('records', 'the store and its head mark contradict each other; mend that first'));
    else if (running === undefined) findings.push(...(await checkRecords(folder, onProgress)));
    else findings.push({ ...heldBy('records', running), repair: { what: 'asked the conductor for read models that are folded anew', mend: () => askForRebuild(folder.views) } });
  }
  const mended = repair ? await mendAll(findings) : [];
  const isLeft = ({ status, repair: offered }: Finding): boolean => status === 'problem' && !(repair && offered !== undefined);
  const shown = [...findings, ...mended].map(({ repair: _, ...finding }) => finding);
  return { ok: ![...findings, ...mended].some(isLeft), dataDir: folder.dir, findings: shown, repaired: mended.filter(({ status }) => status === 'ok').map(({ detail }) => detail) };
}

async function mendAll(findings: readonly Finding[]): Promise<readonly Finding[]> {
  const mended: Finding[] = [];
  for (const { check, repair } of findings) {
    if (repair === undefined) continue;
    try {
      await repair.mend();
      mended.push(fine('repair', repair.what));
    } catch (error) {
      mended.push(broken('repair', error, `what ${check} says can be done by hand`));
    }
  }
  return mended;
}
