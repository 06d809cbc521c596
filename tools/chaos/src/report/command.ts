import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bugTable } from '../reproduce/bug-table.ts';
import { BUGS } from '../reproduce/bugs.ts';
import { SOURCES, scoreboardOf } from './scoreboard.ts';
import type { Section } from './scoreboard.ts';
import { markdownTable, plainTable, withSection } from './scoreboard-text.ts';

const USAGE = `usage: ./maestro chaos report [--write] [--without <harness>]…
Puts together what the harnesses left in .cache/chaos. Exit code 0 only if each of them ran, ran long enough, and broke nothing.
  --write  also puts the bugs, and the scoreboard if it is green, into docs/reliability.md, with this machine and this commit
  --without  a harness that did not run, and is not asked for`;
const USAGE_EXIT = 64;
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const DOCUMENT = `${ROOT}docs/reliability.md`;

/** The scoreboard of the last runs of all harnesses. Answers the exit code. */
export async function runReport(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { write: { type: 'boolean' }, without: { type: 'string', multiple: true, default: [] }, help: { type: 'boolean' } } });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const unknown = values.without.filter((name) => !Object.hasOwn(SOURCES, name));
  if (unknown.length > 0) {
    console.log(`${unknown.join(', ')}: the scoreboard asks for no such harness; it asks for ${Object.keys(SOURCES).join(', ')}\n${USAGE}`);
    return USAGE_EXIT;
  }
  const sources = Object.fromEntries(Object.entries(SOURCES).filter(([name]) => !values.without.includes(name)));
  const { sections, problems } = scoreboardOf(`${ROOT}.cache/chaos`, sources);
  console.log(plainTable(sections));
  for (const problem of problems) console.log(`violation: ${problem}`);
  if (values.write === true) {
    const bugs = withSection(readFileSync(DOCUMENT, 'utf8'), 'bugs', bugTable(BUGS));
    writeFileSync(DOCUMENT, problems.length === 0 ? withSection(bugs, 'scoreboard', ofThisMachine(sections)) : bugs);
  }
  const rows = sections.flatMap((section) => section.rows);
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  const total = (of: 'lost' | 'doubled' | 'undetected'): number => rows.reduce((sum, row) => sum + (row[of] ?? 0), 0);
  console.log(`report: ${sections.length} harnesses, ${rows.length} faults, done ${count.toLocaleString('en')} times: ${total('lost')} lost, ${total('doubled')} doubled, ${total('undetected')} undetected, ${problems.length} violations`);
  return problems.length === 0 ? 0 : 1;
}

function ofThisMachine(sections: readonly Section[]): string {
  const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, ${type()} ${release()}, Node ${process.version.slice(1)}`;
  const seeds = sections.map(({ harness, seed, seconds }) => `${harness} ${seconds} s${seed === '' ? '' : ` (seed ${seed})`}`).join(', ');
  return `Commit \`${commit}\` on ${machine}. ${seeds}.\n\n${markdownTable(sections)}`;
}
