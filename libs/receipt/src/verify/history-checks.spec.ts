import { readFileSync } from 'node:fs';
import type { ReceiptV1, StatementV1, StoredEventV1 } from '@maestro/contracts';
import type { Json } from '@maestro/domain';
import { RECEIPT_FILES, statementOf } from '../assemble/statement.ts';
import { digestOf } from '../assemble/steps.ts';
import { canonicalBytes, canonicalText } from '../canonical.ts';
import { ZERO_HASH, eventHash, eventId, merkleRoot, sha256 } from '../chain.ts';
import { toEnvelope } from '../keys/dsse.ts';
import { checkSet } from './check-set.ts';
import { checkEvents, checkWholeness } from './history-checks.ts';
import { openHistory } from './history.ts';
import { pinnedKey } from './key-checks.ts';
import { BUNDLE_MEDIA_TYPE, openBundle } from './signed-bundle.ts';

const golden = new URL('../../../../contracts/golden/receipts/OK-one-task/', import.meta.url);
const read = (file: string): Uint8Array => readFileSync(new URL(file, golden));
const receipt = JSON.parse(Buffer.from(read('receipt.json')).toString('utf8')) as ReceiptV1;
const stored = Buffer.from(read('events.jsonl')).toString('utf8').trim().split('\n').map((line) => JSON.parse(line) as StoredEventV1);

type Change = (event: StoredEventV1, revision: number) => Partial<StoredEventV1>;

/** The golden events, changed, numbered and chained anew with ids that fit: what somebody with the code could write. */
function rewritten(events: readonly StoredEventV1[], change: Change = () => ({})) {
  let prev = ZERO_HASH;
  const lines = events.map((event, revision) => {
    const { id: _, ...fields } = { ...event, revision, prev, commandId: sha256(`command ${revision}`), ...change(event, revision) };
    const id = eventId(fields.stream, fields.commandId, 0, sha256(canonicalText(fields as unknown as Json)));
    const bytes = canonicalBytes({ ...fields, id } as unknown as Json);
    prev = eventHash(bytes);
    return { bytes, hash: prev, type: fields.type };
  });
  const [first, ...rest] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) throw new Error('no events');
  const end = digestOf(last.hash);
  const stream: ReceiptV1['stream'] = {
    ...receipt.stream,
    last: lines.length - 1,
    count: lines.length,
    head: end,
    merkleRoot: digestOf(merkleRoot([first.hash, ...rest.map(({ hash }) => hash)])),
    terminal: { type: last.type, revision: lines.length - 1, digest: end },
  };
  const jsonl = Buffer.concat(lines.flatMap(({ bytes }) => [bytes, Buffer.from('\n')]));
  return { jsonl, history: openHistory(jsonl), receipt: { ...receipt, stream } };
}

describe('checkEvents', () => {
  it('accepts a history written anew by whoever may sign: only the receipt could tell', () => {
    const { history, receipt: signed } = rewritten(stored);
    expect(checkEvents(history, signed).result.status).toBe('passed');
    expect(checkEvents(history, receipt).result).toMatchObject({ code: 'TAMPERED_EVENT' });
  });

  it('finds an event whose id fits but whose chain does not', () => {
    const { history, receipt: signed } = rewritten(stored, (_, revision) => (revision === 2 ? { prev: 'a'.repeat(64) } : {}));
    expect(checkEvents(history, signed).result).toMatchObject({ code: 'TAMPERED_EVENT', detail: 'revision 2 is not chained to the event before it' });
  });

  it('finds an event that does not fit its own schema', () => {
    const { history, receipt: signed } = rewritten(stored, (_, revision) => (revision === 3 ? { data: { more: 1 } } : {}));
    expect(checkEvents(history, signed).result).toMatchObject({ code: 'TAMPERED_EVENT', detail: expect.stringContaining('execution.started.v1 at revision 3') });
  });

  it('finds a line that is JSON but no event', () => {
    expect(checkEvents(openHistory(Buffer.from('{"id":1}\n')), receipt).result).toMatchObject({ code: 'TAMPERED_EVENT', detail: expect.stringContaining('line 1: not a stored event') });
  });

  it('finds two events of one command that changed places', () => {
    // Both keep their content and take the other's revision and id index.
    const jsonl = Buffer.from(read('events.jsonl')).toString('utf8').trim().split('\n');
    const { commandId } = stored[0] as StoredEventV1;
    const withIndex = (event: StoredEventV1, revision: number, index: number, prev: string): string => {
      const { id: _, ...fields } = { ...event, revision, prev, commandId };
      return canonicalText({ ...fields, id: eventId(fields.stream, commandId, index, sha256(canonicalText(fields as unknown as Json))) } as unknown as Json);
    };
    const first = withIndex(stored[0] as StoredEventV1, 0, 1, ZERO_HASH);
    const second = withIndex(stored[1] as StoredEventV1, 1, 0, eventHash(Buffer.from(first)));
    const { result } = checkEvents(openHistory(Buffer.from(`${[first, second, ...jsonl.slice(2)].join('\n')}\n`)), undefined);
    expect(result).toMatchObject({ code: 'TAMPERED_EVENT', detail: 'line 1 is out of order or repeated' });
  });

  it('has nothing against an empty history: that is for the next row to judge', () => {
    expect(checkEvents(openHistory(new Uint8Array()), receipt).result.status).toBe('passed');
    expect(checkEvents(openHistory(new Uint8Array()), undefined).result.status).toBe('passed');
  });
});

describe('checkWholeness', () => {
  it('passes a history of one event that ends its run', () => {
    const { history, receipt: signed } = rewritten(stored.slice(-1));
    expect(checkWholeness(history, signed).status).toBe('passed');
  });

  it('misses the end where the receipt was made before it', () => {
    const { history, receipt: signed } = rewritten(stored.slice(0, -1));
    expect(checkWholeness(history, signed)).toMatchObject({ code: 'TRUNCATED_HISTORY', detail: 'no event ends the run' });
  });

  it('finds events after the end that the receipt covers', () => {
    const end = stored.at(-1) as StoredEventV1;
    const { history, receipt: signed } = rewritten([...stored, end]);
    expect(checkWholeness(history, signed)).toMatchObject({ code: 'EXTRA_EVENTS', detail: 'events follow the one that ends the run, at line 7' });
  });

  it.each([
    ['head', { head: digestOf('1'.repeat(64)) }],
    ['Merkle root', { merkleRoot: digestOf('1'.repeat(64)) }],
    ['last revision', { last: 5 }],
    ['terminal type', { terminal: { ...receipt.stream.terminal, type: 'execution.denied.v1' } }],
    ['terminal revision', { terminal: { ...receipt.stream.terminal, revision: 5 } }],
    ['terminal digest', { terminal: { ...receipt.stream.terminal, digest: digestOf('1'.repeat(64)) } }],
  ])('finds a wrong %s in the receipt', (_, wrong) => {
    const signed = { ...receipt, stream: { ...receipt.stream, ...wrong } };
    expect(checkWholeness(openHistory(read('events.jsonl')), signed)).toMatchObject({ code: 'TRUNCATED_HISTORY' });
  });
});

describe('a set whose signer wrote what cannot be', () => {
  it('is a mismatch when no receipt follows from the events at all', () => {
    const opened = openBundle(read(RECEIPT_FILES.bundle));
    const key = pinnedKey(Buffer.from(Buffer.from(read('key.pub')).toString('utf8').replace(/-----[^-]+-----|\s/g, ''), 'base64').toString('base64'));
    if (typeof opened === 'string' || key === undefined) throw new Error('the golden set is not readable');
    const { jsonl, receipt: signed } = rewritten(stored, ({ data }, revision) => (revision === 5 ? { data: { ...data, taskId: 'stranger' } } : {}));
    const manifestDigest = receipt.digests.manifest.slice(7);
    const statement: StatementV1 = statementOf(signed, { receiptDigest: sha256('receipt'), eventsDigest: sha256(jsonl), manifestDigest });
    const { keyId, signature } = opened;
    const envelope = toEnvelope({ payloadType: 'application/vnd.in-toto+json', payload: canonicalBytes(statement as unknown as Json), keyId, signature });
    const material = { publicKey: { hint: keyId }, timestampVerificationData: {} };
    const bundle = canonicalBytes({ mediaType: BUNDLE_MEDIA_TYPE, verificationMaterial: material, dsseEnvelope: envelope } as unknown as Json);
    const set = { bundle, events: jsonl, manifest: read('manifest.json'), receipt: canonicalBytes(signed as unknown as Json), ownKeyId: null };
    const conclusion = checkSet(set, { keys: [key], verifySignature: () => true, trustedTime: null });
    expect(conclusion).toMatchObject({ code: 'REBUILD_MISMATCH', exitCode: 8 });
    expect(conclusion.results.find(({ row }) => row === 8)?.detail).toContain('task stranger');
  });
});
