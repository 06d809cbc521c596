import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { eventually } from '../eventually.ts';
import { RestClient, jsonOf } from '../rest-client.ts';
import type { Flip } from './choose-flips.ts';
import { FILE_KINDS } from './file-kinds.ts';
import type { Sources } from './flip-bench.ts';

/** The program as it is installed; asked as people ask it. */
const CLI = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const DOCTOR_MAX_MS = 60_000;
const LISTS = ['/api/executions?limit=100', '/api/decisions?limit=100', '/api/workflows?limit=100', '/api/audit?limit=100'];

type DoctorReport = { readonly ok: boolean; readonly findings: readonly { readonly status: string; readonly check: string; readonly detail: string; readonly items: readonly string[] }[]; readonly repaired: readonly string[] };

/** What the doctor made of one flip. `violation` null: as promised. */
export type DoctorCase = { readonly flip: Flip; readonly outcome: 'repaired' | 'told'; readonly violation: string | null };

/**
 * Asks the doctor about a folder in which a bit was flipped: it must name the file, or an event or value in it. With
 * `--repair` it mends what can be made again, and a start serves the same lists as before; anything else it must still
 * call a problem afterwards, and must not have changed.
 */
export async function askDoctor(flip: Flip, sources: Sources, place: string, random: () => number): Promise<DoctorCase> {
  const kind = FILE_KINDS.find(({ name }) => name === flip.kind);
  if (kind === undefined) throw new Error(`there is no kind of file ${flip.kind}`);
  const folder = join(place, 'doctored');
  rmSync(folder, { recursive: true, force: true });
  cpSync(sources.folders[kind.place], folder, { recursive: true });
  const path = join(folder, flip.path);
  const bytes = readFileSync(path);
  bytes[flip.offset] = (bytes[flip.offset] ?? 0) ^ (1 << flip.bit);
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  const told = await doctor(folder);
  const naming = told.findings.filter(({ status }) => status === 'problem').flatMap(({ detail, items }) => [detail, ...items]);
  const named = naming.some((text) => text.includes(basename(flip.path)) || /revision \d+|position \d+|head mark/.test(text));
  if (told.ok || !named) return { flip, outcome: 'told', violation: `the doctor does not name it: ${JSON.stringify(naming).slice(0, 300)}` };
  const after = await doctor(folder, '--repair');
  if (!after.ok) return { flip, outcome: 'told', violation: await judgeUnmended(path, bytes, folder) };
  if (after.repaired.length === 0) return { flip, outcome: 'repaired', violation: 'nothing was repaired, and yet nothing is left' };
  const again = await doctor(folder);
  if (!again.ok) return { flip, outcome: 'repaired', violation: 'it calls repaired what is still a problem' };
  return { flip, outcome: 'repaired', violation: await judgeServed(folder, sources, place, random) };
}

/** Damage that nothing can mend from the folder itself is left for a backup: the file is as it was, and still a problem. */
async function judgeUnmended(path: string, bytes: Buffer, folder: string): Promise<string | null> {
  if (!existsSync(path)) return 'it was removed, though it cannot be made again';
  if (path.endsWith('-wal') || readFileSync(path).equals(bytes)) return (await doctor(folder)).ok ? 'what was not repaired is a problem no more' : null;
  return 'it was changed, though it cannot be mended';
}

async function judgeServed(folder: string, sources: Sources, place: string, random: () => number): Promise<string | null> {
  const sound = join(place, 'sound');
  rmSync(sound, { recursive: true, force: true });
  cpSync(sources.folders.closed, sound, { recursive: true });
  const [was, is] = [await listsOf(sound, sources.plan.eventCount, random), await listsOf(folder, sources.plan.eventCount, random)];
  const differing = LISTS.flatMap((path, i) => (isDeepStrictEqual(was[i], is[i]) ? [] : [`${path} (${firstDifference(JSON.stringify(was[i]), JSON.stringify(is[i]))})`]));
  return differing.length === 0 ? null : `after the repair other rows are listed in ${differing.join(', ')}`;
}

function firstDifference(was: string, is: string): string {
  const at = [...was].findIndex((char, i) => char !== is[i]);
  const place = Math.max(0, (at < 0 ? was.length : at) - 60);
  return `${was.slice(place, place + 160)} was served, now ${is.slice(place, place + 160)}`;
}

/** What a conductor lists of a folder once it has caught up; the order of keys in a row says nothing. */
async function listsOf(dataDir: string, eventCount: number, random: () => number): Promise<readonly unknown[]> {
  const conductor = await ConductorProcess.start({ dataDir, port: await freePort(random) });
  const client = new RestClient(conductor.url);
  try {
    await eventually('the read models catch up', DOCTOR_MAX_MS, async () => jsonOf<{ readonly served: { readonly events: number } }>(await client.get('/api/read-models')).served.events >= eventCount);
    const lists: unknown[] = [];
    for (const path of LISTS) lists.push(jsonOf<{ readonly items: unknown }>(await client.get(path)).items);
    return lists;
  } finally {
    await client.close();
    await conductor.stop();
    conductor.clear();
  }
}

function doctor(folder: string, ...flags: readonly string[]): Promise<DoctorReport> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [CLI, 'doctor', '--data', folder, '--json', ...flags], { timeout: DOCTOR_MAX_MS, maxBuffer: 16 * 1024 * 1024, env: {} }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as DoctorReport);
      } catch {
        reject(new Error(`the doctor did not answer: ${error?.message ?? ''} ${stderr.slice(0, 500)}`));
      }
    });
  });
}
