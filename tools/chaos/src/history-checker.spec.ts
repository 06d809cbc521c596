import { readFileSync, readdirSync } from 'node:fs';
import type { StoredEventV1 } from '@maestro/contracts';
import type { Json, StreamName } from '@maestro/domain';
import type { StoredEvent } from '@maestro/ports';
import { ZERO_HASH, canonicalBytes, eventHash, merkleRoot } from '@maestro/receipt';
import { checkHistory } from './history-checker.ts';
import type { Claims } from './history/claim-checks.ts';
import type { ViolationCode } from './history/violation.ts';

type Draft = Omit<StoredEventV1, 'prev' | 'revision'>;

const histories = new URL('../../../contracts/golden/histories/', import.meta.url);

function goldenRun(name: string): Draft[] {
  const lines = readFileSync(new URL(`${name}.jsonl`, histories), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { prev: _prev, revision: _revision, ...draft } = JSON.parse(line) as StoredEventV1;
    return draft;
  });
}

/** Every golden history of a run that ended. */
const RUNS = readdirSync(histories)
  .filter((name) => name.endsWith('.jsonl'))
  .map((name) => name.slice(0, -'.jsonl'.length))
  .filter((name) => ['execution.completed.v1', 'execution.denied.v1'].includes(goldenRun(name).at(-1)?.type ?? ''));

/** A store's content of drafts in this order, with every chain whole; receipts name the history that they follow. */
function written(drafts: readonly Draft[]): StoredEvent[] {
  const hashes = new Map<string, string[]>();
  return drafts.map((draft, i) => {
    const chain = hashes.get(draft.stream) ?? [];
    hashes.set(draft.stream, chain);
    const event = { ...draft, revision: chain.length, prev: chain.at(-1) ?? ZERO_HASH };
    const bytes = canonicalBytes(event as unknown as Json);
    const hash = eventHash(bytes);
    chain.push(hash);
    return { id: draft.id, type: draft.type, bytes, hash, sealed: null, stream: draft.stream as StreamName, revision: BigInt(event.revision), cursor: String(i) };
  });
}

function receiptOf(run: readonly Draft[], change: { readonly [key: string]: Json } = {}): Draft {
  const stored = written(run);
  const [first, ...rest] = stored.map(({ hash }) => hash);
  const last = run.at(-1) as Draft;
  const verdict = last.type === 'execution.denied.v1' ? 'denied' : String(last.data['verdict']);
  const executionId = last.stream.slice('execution-'.length);
  const stream = { name: last.stream, count: run.length, head: stored.at(-1)?.hash ?? '', merkleRoot: merkleRoot([first ?? '', ...rest]), ...change };
  const data = { executionId, verdict, stream, supersedes: null };
  return { ...last, id: `${executionId.slice(0, -4)}ffff`, type: 'receipt.signed.v1', stream: `receipt-${executionId}`, commandId: eventHash(Buffer.from(executionId)), data };
}

/** Two runs, one of them with a retry, each with its receipt: a history without fault, as drafts. */
function sound(): { readonly drafts: Draft[]; readonly run: Draft[]; readonly other: Draft[] } {
  const run = goldenRun('retries');
  const other = goldenRun('fan-out');
  return { run, other, drafts: [...run, receiptOf(run), ...other, receiptOf(other)] };
}

function claimsOf(events: readonly StoredEvent[]): Claims {
  const started = events.filter(({ type, revision }) => type === 'execution.requested.v1' && revision === 0n);
  const answers = started.map(({ stream, bytes }) => {
    const { commandId } = JSON.parse(Buffer.from(bytes).toString('utf8')) as StoredEventV1;
    return { key: `key of ${stream}`, commandId, executionId: stream.slice('execution-'.length) };
  });
  const observed = events.filter(({ stream }) => stream.startsWith('execution-')).map(({ stream, revision, hash }) => ({ stream, revision: Number(revision), hash }));
  return { answers, observed, verdicts: new Map(answers.map(({ executionId }) => [executionId, 'VERIFIED'])), isSettled: true, operationsMin: answers.length };
}

function codesOf(events: readonly StoredEvent[], claims: Claims): readonly ViolationCode[] {
  return [...new Set(checkHistory(events, claims).violations.map(({ code }) => code))].sort();
}

/** Checks drafts against the claims that their own content makes. */
function codesOfDrafts(drafts: readonly Draft[], change: Partial<Claims> = {}): readonly ViolationCode[] {
  const events = written(drafts);
  return codesOf(events, { ...claimsOf(events), ...change });
}

function indexOf(drafts: readonly Draft[], type: string): number {
  const index = drafts.findIndex((draft) => draft.type === type);
  if (index === -1) throw new Error(`no ${type}`);
  return index;
}

const fresh = (draft: Draft, change: Partial<Draft> = {}): Draft => ({ ...draft, id: `${draft.id.slice(0, -4)}beef`, ...change });

describe('a history without fault', () => {
  it.each(RUNS)('of the run %s passes', (name) => {
    const run = goldenRun(name);
    expect(codesOfDrafts([...run, receiptOf(run)])).toEqual([]);
  });

  it('is counted', () => {
    const { drafts } = sound();
    const events = written(drafts);
    expect(checkHistory(events, claimsOf(events)).counts).toMatchObject({ events: drafts.length, runs: 2, receipts: 2, retries: expect.any(Number) as number });
    expect(checkHistory(events, claimsOf(events)).counts.retries).toBeGreaterThan(0);
  });

  it('may have open runs while it is not settled', () => {
    const { run } = sound();
    const open = run.slice(0, -1);
    expect(codesOfDrafts(open, { isSettled: false, operationsMin: 0 })).toEqual([]);
    expect(codesOfDrafts(run, { isSettled: false })).toEqual([]);
  });

  it('is what the golden histories are', () => {
    expect(RUNS.length).toBeGreaterThanOrEqual(10);
  });
});

describe('a broken chain', () => {
  const events = (): StoredEvent[] => written(sound().drafts);
  const check = (broken: readonly StoredEvent[]): readonly ViolationCode[] => codesOf(broken, { ...claimsOf(events()), observed: [] });

  it('HASH_MISMATCH: a flipped bit', () => {
    const all = events();
    const bytes = Uint8Array.from(all[3]?.bytes ?? []);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
    expect(check(all.with(3, { ...(all[3] as StoredEvent), bytes }))).toContain('HASH_MISMATCH');
  });

  it('UNREADABLE: bytes that are no event', () => {
    const all = events();
    const bytes = Buffer.from('{"id":');
    expect(check(all.with(3, { ...(all[3] as StoredEvent), bytes, hash: eventHash(bytes) }))).toContain('UNREADABLE');
  });

  it('MISPLACED: an event in another stream than its own', () => {
    const all = events();
    expect(check(all.with(0, { ...(all[0] as StoredEvent), id: 'another' }))).toContain('MISPLACED');
  });

  it('REVISION_GAP and CHAIN_BROKEN: an event in the middle is lost', () => {
    expect(check(events().toSpliced(4, 1))).toEqual(expect.arrayContaining(['REVISION_GAP', 'CHAIN_BROKEN', 'RECEIPT_MISMATCH']));
  });

  it('REVISION_TWICE and EVENT_TWICE: an event is stored again', () => {
    const all = events();
    expect(check(all.toSpliced(4, 0, all[3] as StoredEvent))).toEqual(expect.arrayContaining(['REVISION_TWICE', 'EVENT_TWICE', 'CHAIN_BROKEN']));
  });

  it('COMMAND_TWICE: a report is carried out again later', () => {
    const { drafts, run } = sound();
    const [first] = run as [Draft];
    expect(codesOfDrafts(drafts.toSpliced(run.length - 1, 0, fresh(first, { type: 'execution.task-started.v1' })))).toContain('COMMAND_TWICE');
  });

  it('COMMAND_TWICE: one command makes events of two streams', () => {
    const { run, other } = sound();
    const stolen = other.map((draft) => (draft.commandId === other[0]?.commandId ? { ...draft, commandId: run[0]?.commandId ?? '' } : draft));
    expect(codesOfDrafts([...run, receiptOf(run), ...stolen, receiptOf(stolen)])).toContain('COMMAND_TWICE');
  });
});

describe('a broken run', () => {
  it('SCHEDULED_UNDECIDED: a task before policy allowed the run', () => {
    const { run } = sound();
    const early = run.filter(({ type }) => type !== 'execution.policy-decided.v1');
    expect(codesOfDrafts([...early, receiptOf(early)])).toEqual(['SCHEDULED_UNDECIDED']);
  });

  it('ATTEMPT_UNSCHEDULED: a result of work that nobody handed out', () => {
    const { run } = sound();
    const bare = run.toSpliced(indexOf(run, 'execution.task-scheduled.v1'), 1);
    expect(codesOfDrafts([...bare, receiptOf(bare)])).toEqual(['ATTEMPT_UNSCHEDULED']);
  });

  it('TASK_SUCCEEDED_TWICE and ATTEMPT_ENDED_TWICE: a result counts twice', () => {
    const { run } = sound();
    const at = indexOf(run, 'execution.task-succeeded.v1');
    const twice = run.toSpliced(at + 1, 0, fresh(run[at] as Draft));
    expect(codesOfDrafts([...twice, receiptOf(twice)])).toEqual(['ATTEMPT_ENDED_TWICE', 'TASK_SUCCEEDED_TWICE']);
  });

  it('ATTEMPT_ENDED_TWICE: an attempt fails twice', () => {
    const { run } = sound();
    const at = indexOf(run, 'execution.task-failed.v1');
    const twice = run.toSpliced(at + 1, 0, fresh(run[at] as Draft));
    expect(codesOfDrafts([...twice, receiptOf(twice)])).toEqual(['ATTEMPT_ENDED_TWICE']);
  });

  it('TERMINAL_TWICE: a run ends again', () => {
    const { run } = sound();
    const twice = [...run, fresh(run.at(-1) as Draft)];
    expect(codesOfDrafts([...twice, receiptOf(twice)])).toEqual(['TERMINAL_TWICE']);
  });

  it('EVENT_AFTER_END: a late report is stored', () => {
    const { run } = sound();
    const late = fresh(run[indexOf(run, 'execution.task-scheduled.v1')] as Draft, { commandId: eventHash(Buffer.from('late')) });
    const codes = codesOfDrafts([...run, receiptOf(run), late]);
    expect(codes).toContain('EVENT_AFTER_END');
    expect(codes).toContain('RECEIPT_MISMATCH');
  });

  it('RUN_OPEN: a run never ends', () => {
    const { drafts, run } = sound();
    expect(codesOfDrafts([...drafts.slice(run.length + 1), ...run.slice(0, -1)], { operationsMin: 1 })).toEqual(['RUN_OPEN']);
  });
});

describe('a broken receipt', () => {
  it('RECEIPT_MISSING: a run ended and was never signed', () => {
    expect(codesOfDrafts(sound().run)).toEqual(['RECEIPT_MISSING']);
  });

  it('RECEIPT_TWICE: two receipts, neither of which supersedes the other', () => {
    const { run } = sound();
    const receipt = receiptOf(run);
    expect(codesOfDrafts([...run, receipt, fresh(receipt)])).toEqual(['RECEIPT_TWICE']);
  });

  it('RECEIPT_BEFORE_END: signed while the run goes on', () => {
    const { run } = sound();
    expect(codesOfDrafts([...run.slice(0, -1), receiptOf(run), run.at(-1) as Draft])).toEqual(['RECEIPT_BEFORE_END', 'RECEIPT_MISSING']);
  });

  it.each(['count', 'head', 'merkleRoot'])('RECEIPT_MISMATCH: it names another %s', (key) => {
    const { run } = sound();
    expect(codesOfDrafts([...run, receiptOf(run, { [key]: key === 'count' ? run.length - 1 : ZERO_HASH })])).toEqual(['RECEIPT_MISMATCH']);
  });

  it('RECEIPT_UNVERIFIED: a verifier refused it', () => {
    const { drafts, run } = sound();
    const id = (run[0] as Draft).stream.slice('execution-'.length);
    expect(codesOfDrafts(drafts, { verdicts: new Map([[id, 'TAMPERED_RECEIPT']]) })).toEqual(['RECEIPT_UNVERIFIED']);
  });
});

describe('a broken word', () => {
  const events = written(sound().drafts);
  const claims = claimsOf(events);
  const [answer] = claims.answers as [Claims['answers'][number]];

  it('ACKNOWLEDGED_LOST: a run that was acknowledged is gone', () => {
    const without = events.filter(({ stream }) => !stream.endsWith(answer.executionId));
    expect(codesOf(without, { ...claims, observed: [], operationsMin: 1 })).toEqual(['ACKNOWLEDGED_LOST']);
  });

  it('ACKNOWLEDGED_LOST: the run is there, and the command is not', () => {
    expect(codesOf(events, { ...claims, answers: [...claims.answers, { ...answer, commandId: ZERO_HASH }] })).toEqual(['ACKNOWLEDGED_LOST']);
  });

  it('ACKNOWLEDGED_LOST: a command on something that exists has no event, or one elsewhere', () => {
    const stream = `execution-${answer.executionId}`;
    expect(codesOf(events, { ...claims, commands: [{ commandId: answer.commandId, stream }] })).toEqual([]);
    expect(codesOf(events, { ...claims, commands: [{ commandId: ZERO_HASH, stream }] })).toEqual(['ACKNOWLEDGED_LOST']);
    expect(codesOf(events, { ...claims, commands: [{ commandId: answer.commandId, stream: 'workflow-other' }] })).toEqual(['ACKNOWLEDGED_LOST']);
  });

  it('KEY_ANSWERED_TWICE: one key made two runs', () => {
    const answers = claims.answers.map((one) => ({ ...one, key: 'same' }));
    expect(codesOf(events, { ...claims, answers })).toEqual(['KEY_ANSWERED_TWICE']);
  });

  it('RUN_UNASKED: a run that nobody was told about', () => {
    expect(codesOf(events, { ...claims, answers: [answer], operationsMin: 1 })).toEqual(['RUN_UNASKED']);
  });

  it('OBSERVED_LOST: a client saw an event that is gone, or another one', () => {
    const { observed } = claims;
    const last = observed.at(-1) as Claims['observed'][number];
    expect(codesOf(events, { ...claims, observed: [...observed, { ...last, revision: last.revision + 1 }] })).toEqual(['OBSERVED_LOST']);
    expect(codesOf(events, { ...claims, observed: [{ ...last, hash: ZERO_HASH }] })).toEqual(['OBSERVED_LOST']);
  });

  it('TOO_FEW_OPERATIONS: nothing was broken because nothing was done', () => {
    expect(codesOf([], { answers: [], observed: [], verdicts: new Map(), isSettled: true, operationsMin: 1 })).toEqual(['TOO_FEW_OPERATIONS']);
  });
});
