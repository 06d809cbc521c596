import { checkHistory } from '../history-checker.ts';
import { appendArguments } from './step-calls.ts';
import { stepStates } from './step-states.ts';
import { createWorkload } from './workload.ts';

const rounds = createWorkload({ seed: 'w', runsCount: 5, reopenEvery: 4 });
const steps = rounds.flat();

it('is the same for the same seed, and another for another', () => {
  expect(createWorkload({ seed: 'w', runsCount: 5, reopenEvery: 4 })).toEqual(rounds);
  const ids = (seed: string) => createWorkload({ seed, runsCount: 1 }).flat().flatMap((step) => (step.kind === 'append' ? step.events.map(({ id }) => id) : []));
  expect(ids('w').filter((id) => ids('x').includes(id))).toEqual([]);
});

it('is a history without fault of runs that end, each with its receipt', () => {
  const next = new Map<string, bigint>();
  const events = steps.flatMap((step, at) => {
    if (step.kind !== 'append') return [];
    const [stream, expected, given] = appendArguments(step);
    return given.map((event) => {
      const revision = next.get(stream) ?? 0n;
      next.set(stream, revision + 1n);
      if (expected !== 'none') expect(revision).toBeGreaterThan(expected.revision);
      return { ...event, stream, revision, cursor: String(at) };
    });
  });
  const started = [...next.keys()].filter((stream) => stream.startsWith('execution-')).map((stream) => stream.slice('execution-'.length));
  const commandOf = (id: string): string => steps.flatMap((step) => (step.kind === 'append' && step.stream === `execution-${id}` ? [step.commandId] : []))[0] ?? '';
  const answers = started.map((executionId) => ({ key: executionId, commandId: commandOf(executionId), executionId }));
  const { violations, counts } = checkHistory(events, { answers, observed: [], verdicts: new Map(), isSettled: true, operationsMin: 5 });
  expect(violations).toEqual([]);
  expect(counts).toMatchObject({ runs: 5, receipts: 5 });
});

it('numbers its steps, opens again in between, and can be evidence alone', () => {
  expect(steps.map(({ index }) => index)).toEqual(steps.map((_, i) => i));
  expect(rounds.filter(([step]) => step?.kind === 'reopen').length).toBeGreaterThan(2);
  const kinds = createWorkload({ seed: 'w', runsCount: 2, isEvidenceOnly: true }).flat().map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(['evidence']));
});

describe('what a client knows of a step', () => {
  const [first = [], second = [], third = []] = rounds;
  const [a, b] = [second[0]?.index ?? -1, second[1]?.index ?? -1];
  const acked = first.map(({ index }) => ['ack', index, []] as const);
  const kindsOf = (lines: Parameters<typeof stepStates>[1]) => stepStates([first, second, third], lines).map(({ kind }) => kind);
  const rest = third.map(() => 'unsent');

  it('is open until it is answered, and unsent while the round before is', () => {
    expect(kindsOf([])).toEqual([...first.map(() => 'open'), ...second.map(() => 'unsent'), ...rest]);
    expect(kindsOf([...acked, ['ack', a, []]])).toEqual([...first.map(() => 'acknowledged'), 'acknowledged', 'open', ...rest]);
  });

  it('is refused where it gave up and every answer was that nothing was written', () => {
    const refused = ['fault', a, 'STORE_READ_ONLY', 1, ''] as const;
    expect(kindsOf([...acked, refused]).slice(2, 4)).toEqual(['open', 'open']);
    expect(kindsOf([...acked, refused, ['gave-up', a]]).slice(2, 4)).toEqual(['refused', 'open']);
    expect(kindsOf([...acked, refused, ['fault', a, 'STORE_OUTCOME_UNKNOWN', 1, ''], ['gave-up', a], ['gave-up', b]]).slice(2, 4)).toEqual(['open', 'refused']);
  });
});
