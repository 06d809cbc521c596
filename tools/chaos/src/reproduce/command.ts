import { parseArgs } from 'node:util';
import { inParallel } from '../eventually.ts';
import type { Bug } from './bug.ts';
import { BUGS } from './bugs.ts';
import { runCase, runCases } from './run-case.ts';
import type { CaseOutcome } from './run-case.ts';

const USAGE = `usage: ./maestro chaos --reproduce <id> [--as-it-is]
       ./maestro chaos reproduce --list | --all [--as-it-is]
Runs what is kept of a bug twice: on the program as it is, where it has to pass; and with the old fault planted in memory,
where it has to fail, so that the case is known to be live.
  --list      every id, with what it was
  --all       every one of them
  --as-it-is  without the planted run`;
const USAGE_EXIT = 64;
/** Runs at once, each a process of one thread that waits for half of its time. */
const LANES = 4;

/** Runs kept cases of bugs. Exit code 0: each passes as the program is, and fails where its fault is planted. */
export async function runReproduce(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { list: { type: 'boolean' }, all: { type: 'boolean' }, 'as-it-is': { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.list === true) {
    for (const { id, what } of BUGS) console.log(`${id}\n    ${what}`);
    return 0;
  }
  const asked = values.all === true ? BUGS : BUGS.filter(({ id }) => positionals.includes(id));
  const unknown = positionals.filter((name) => !BUGS.some(({ id }) => id === name));
  if (values.help === true || asked.length === 0 || unknown.length > 0) {
    if (unknown.length > 0) console.log(`there is no bug ${unknown.join(', ')}; --list tells all`);
    console.log(USAGE);
    return values.help === true ? 0 : USAGE_EXIT;
  }
  return reproduce(asked, values['as-it-is'] !== true);
}

async function reproduce(bugs: readonly Bug[], isPlanted: boolean): Promise<number> {
  let missed = 0;
  const tell = (bug: Bug, when: string, outcome: CaseOutcome | undefined, wanted: CaseOutcome['kind']): void => {
    if (outcome?.kind !== wanted) missed += 1;
    console.log([...titleOf(bug), said(when, outcome, wanted)].join('\n'));
  };
  const asItIs = async (): Promise<void> => {
    const outcomes = await runCases(bugs.map(({ kept }) => kept));
    for (const [i, bug] of bugs.entries()) tell(bug, 'as it is', outcomes[i], 'sound');
  };
  const plantable = isPlanted ? bugs.filter(({ plant }) => plant.length > 0) : [];
  const planted = plantable.map((bug) => async () => tell(bug, 'with the old fault', await runCase(bug.kept, bug.plant), 'broken'));
  await inParallel([asItIs, ...planted], LANES, (job) => job());
  console.log(`reproduce: ${bugs.length} bugs, ${plantable.length} of them also planted again, ${missed} violations`);
  return missed === 0 ? 0 : 1;
}

function titleOf({ id, what, foundBy, fixedIn, kept }: Bug): readonly string[] {
  return [`${id}: ${what}`, `  found by ${foundBy}; fixed in "${fixedIn}"`, `  kept as ${kept.kind === 'spec' ? `${kept.file}: ${kept.test}` : `./maestro chaos ${kept.args.join(' ')}`}`];
}

/** What a case came to, against what it must come to. */
function said(when: string, outcome: CaseOutcome | undefined, wanted: CaseOutcome['kind']): string {
  return outcome?.kind === wanted ? `  ✓ ${when}: ${outcome.detail}` : `  ✗ ${when}: ${outcome?.kind}, not ${wanted}: ${outcome?.detail}`;
}
