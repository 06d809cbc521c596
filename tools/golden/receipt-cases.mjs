// Receipt sets, one or more per class of failure. A case is { name, run, trust, change }: `change` turns the sound signed
// set into the one that is kept. The folder's name says what a verifier must answer.
import { createSigner } from '@maestro/adapter-sigstore';
import { EMPTY_HEAD, prepareCommit } from '@maestro/codec';
import { BUNDLE_MEDIA_TYPE, ZERO_HASH, assembleSet, canonicalBytes, canonicalText, eventBytes, eventHash, eventId, eventsJsonl, sha256, statementOf } from '@maestro/receipt';
import { hashOf, uuidOf } from './recorder.mjs';

const text = (bytes) => Buffer.from(bytes).toString('utf8');
const parse = (bytes) => JSON.parse(text(bytes));
const linesOf = (jsonl) => text(jsonl).split('\n').slice(0, -1);
const ended = (lines) => Buffer.from(lines.map((line) => `${line}\n`).join(''));

/** The files of a sound set; `key` signs. */
async function soundSet(run, key, inputs) {
  const { events, receiptJson, statement } = assembleSet(run.recorded, inputs);
  return { events, receipt: receiptJson, manifest: canonicalBytes(run.manifest), statement, bundle: await signed(statement, key) };
}

const signed = (statement, key) => createSigner(key).sign(statement);

/** The same set with another bundle: a bundle's members changed after signing. */
const withBundle = (change) => async (set) => {
  const bundle = parse(set.bundle);
  change(bundle);
  return { ...set, bundle: canonicalBytes(bundle) };
};

/** The same set with another statement, signed like the first. */
const withStatement = (change) => async (set, key) => {
  const statement = parse(set.statement);
  change(statement);
  const bytes = canonicalBytes(statement);
  return { ...set, statement: bytes, receipt: canonicalBytes(statement.predicate), bundle: await signed(bytes, key) };
};

const withLines = (change) => async (set) => ({ ...set, events: ended(change(linesOf(set.events))) });

/** Another file instead of the set's own; null: none. */
const without = (file) => async (set) => ({ ...set, [file]: null });

function flip(bytes, index) {
  const changed = Buffer.from(bytes);
  changed[index] ^= 1;
  return changed;
}

/** Chains changed events anew from some revision on, with ids that fit: what an operator with the code could do. */
function rechained(recorded) {
  let head = EMPTY_HEAD;
  return [...Map.groupBy(recorded, ({ commandId }) => commandId).values()].flatMap((commit) => {
    const { event: _e, hash: _h, id: _i, prev: _p, revision: _r, at, ...cause } = commit[0];
    const made = prepareCommit(head, cause, at, commit.map(({ event }) => event)).map((one) => one.recorded);
    head = made.at(-1);
    return made;
  });
}

/** An event that this release does not know, put into the middle of an otherwise sound history and signed over. */
async function fromTheFuture(run, key) {
  const recorded = [];
  let prev = ZERO_HASH;
  for (const original of [...run.recorded.slice(0, 4), { ...run.recorded[4], event: { type: 'execution.task-annotated.v1', data: { note: 'later' } } }, ...run.recorded.slice(4)]) {
    const { event, hash: _h, id: _i, ...place } = original;
    const fields = { ...place, revision: recorded.length, prev, commandId: hashOf(`future ${recorded.length}`) };
    const id = eventId(fields.stream, fields.commandId, 0, sha256(canonicalText({ ...fields, type: event.type, data: event.data })));
    const made = { event, id, ...fields };
    made.hash = eventHash(eventBytes(made));
    prev = made.hash;
    recorded.push(made);
  }
  return soundSet({ recorded, manifest: run.manifest }, key);
}

const pinned = { key: 'signing' };
const registry = { registry: 'registry', root: 'root' };

const sound = ['one-task', 'fan-out', 'retries', 'denied', 'undecided', 'denied-task', 'cancelled', 'timed-out', 'unicode', 'resumed', 'sealed-true'].map((run) => {
  return { name: `OK-${run}`, run, trust: run === 'one-task' ? pinned : registry };
});

const malformed = {
  'no-manifest': without('manifest'),
  'no-bundle': without('bundle'),
  'no-events': without('events'),
  'two-signatures': withBundle(({ dsseEnvelope }) => dsseEnvelope.signatures.push(dsseEnvelope.signatures[0])),
  'keyid-not-hint': withBundle(({ dsseEnvelope }) => (dsseEnvelope.signatures[0].keyid = `SHA256:${'A'.repeat(43)}`)),
  'payload-type': withBundle(({ dsseEnvelope }) => (dsseEnvelope.payloadType = 'application/json')),
  'version-02': withBundle((bundle) => (bundle.mediaType = BUNDLE_MEDIA_TYPE.replace('v0.3', 'v0.2'))),
  'log-entry': withBundle(({ verificationMaterial }) => (verificationMaterial.tlogEntries = [{ logIndex: '1' }])),
  'white-space': async (set) => ({ ...set, bundle: Buffer.from(JSON.stringify(parse(set.bundle), null, 1)) }),
  'base64-spelling': withBundle(({ dsseEnvelope }) => (dsseEnvelope.payload += '\n')),
  'subject-order': withStatement(({ subject }) => subject.reverse()),
  'receipt-schema': withStatement(({ predicate }) => delete predicate.counts),
};

const provenance = withStatement((statement) => {
  statement.predicateType = 'https://slsa.dev/provenance/v1';
  statement.predicate = { buildDefinition: {} };
});

const bad = [
  ...Object.entries(malformed).map(([what, change]) => ({ name: `MALFORMED-${what}_fail`, change })),
  { name: 'UNKNOWN_KEY-other-key_fail', trust: { key: 'second' } },
  { name: 'UNKNOWN_KEY-not-in-registry_fail', trust: registry, signer: 'stranger' },
  { name: 'SELF_ASSERTED-own-key_fail', trust: {} },
  { name: 'TAMPERED_RECEIPT-signature_fail', change: withBundle(({ dsseEnvelope }) => {
    const [signature] = dsseEnvelope.signatures;
    signature.sig = flip(Buffer.from(signature.sig, 'base64'), 20).toString('base64');
  }) },
  { name: 'TAMPERED_RECEIPT-verdict_fail', change: withBundle(({ dsseEnvelope }) => {
    const statement = Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8').replace('"microUsd":1}', '"microUsd":2}');
    dsseEnvelope.payload = Buffer.from(statement).toString('base64');
  }) },
  { name: 'TAMPERED_RECEIPT-receipt-file_fail', change: async (set) => ({ ...set, receipt: flip(set.receipt, 200) }) },
  { name: 'TAMPERED_RECEIPT-no-receipt-text_fail', change: async (set) => ({ ...set, receipt: Buffer.alloc(0) }) },
  { name: 'WRONG_KEY-second-key_fail', trust: registry, change: async (set, key, keys) => {
    const [own, other] = [parse(set.bundle), parse(await signed(set.statement, keys.second))];
    own.dsseEnvelope.signatures[0].sig = other.dsseEnvelope.signatures[0].sig;
    return { ...set, bundle: canonicalBytes(own) };
  } },
  { name: 'EXPIRED_KEY-after-its-end_fail', trust: { registry: 'registry-ended', root: 'root', trustedTime: '2026-06-02T00:00:00.000Z' } },
  { name: 'EXPIRED_KEY-before-its-start_fail', trust: { registry: 'registry-ended', root: 'root', trustedTime: '2025-12-31T23:59:59.999Z' } },
  { name: 'OK-within-its-window', trust: { registry: 'registry-ended', root: 'root', trustedTime: '2026-01-05T11:00:00.000Z' } },
  { name: 'NO_TRUSTED_TIME-key-ends_fail', trust: { registry: 'registry-ended', root: 'root' } },
  { name: 'REVOKED_KEY-undated_fail', trust: { registry: 'registry-revoked', root: 'root' } },
  { name: 'REVOKED_KEY-dated-later_fail', trust: { registry: 'registry-revoked', root: 'root', trustedTime: '2026-02-01T00:00:00.000Z' } },
  { name: 'OK-before-its-revocation', trust: { registry: 'registry-revoked', root: 'root', trustedTime: '2026-01-05T11:00:00.000Z' } },
  { name: 'REPLAYED_RECEIPT-other-run_fail', expected: { executionId: uuidOf('another run') } },
  { name: 'REPLAYED_RECEIPT-other-workflow_fail', expected: { workflowId: 'another' } },
  { name: 'REPLAYED_RECEIPT-other-manifest_fail', expected: { manifestDigest: `sha256:${hashOf('another manifest')}` } },
  { name: 'REPLAYED_RECEIPT-manifest-file_fail', change: async (set) => ({ ...set, manifest: canonicalBytes({ ...parse(set.manifest), version: '9.9.9' }) }) },
  { name: 'REPLAYED_RECEIPT-provenance_fail', change: provenance },
  { name: 'TAMPERED_EVENT-flipped-byte_fail', change: async (set) => ({ ...set, events: flip(set.events, text(set.events).indexOf('"durationMs":20') + 13) }) },
  { name: 'TAMPERED_EVENT-type_fail', change: withLines((lines) => lines.map((line) => line.replace('execution.started.v1', 'execution.started.v2'))) },
  { name: 'TAMPERED_EVENT-swapped_fail', change: withLines(([a, b, c, ...rest]) => [a, c, b, ...rest]) },
  { name: 'TAMPERED_EVENT-repeated_fail', change: withLines(([a, ...rest]) => [a, a, ...rest]) },
  { name: 'TAMPERED_EVENT-spelling_fail', change: withLines(([a, ...rest]) => [a.replace('{"actor":', '{ "actor":'), ...rest]) },
  { name: 'TAMPERED_EVENT-other-stream_fail', change: async (set, key, keys, runs) => ({ ...set, events: assembleSet(runs.get('fan-out').recorded).events }) },
  { name: 'TAMPERED_EVENT-rewritten_fail', change: async (set, key, keys, runs) => {
    const recorded = runs.get('one-task').recorded.map((one) => (one.event.type === 'execution.task-succeeded.v1' ? { ...one, event: { ...one.event, data: { ...one.event.data, durationMs: 21 } } } : one));
    return { ...set, events: eventsJsonl(rechained(recorded).map(eventBytes)) };
  } },
  { name: 'MISSING_EVENT-middle_fail', change: withLines((lines) => lines.toSpliced(3, 1)) },
  { name: 'MISSING_EVENT-first_fail', change: withLines((lines) => lines.slice(1)) },
  { name: 'UNSUPPORTED_VERSION-newer-event_fail', change: (set, key, keys, runs) => fromTheFuture(runs.get('one-task'), key) },
  { name: 'TRUNCATED_HISTORY-last-event_fail', change: withLines((lines) => lines.slice(0, -1)) },
  { name: 'TRUNCATED_HISTORY-cut-line_fail', change: async (set) => ({ ...set, events: set.events.subarray(0, -9) }) },
  { name: 'TRUNCATED_HISTORY-empty_fail', change: async (set) => ({ ...set, events: Buffer.alloc(0) }) },
  { name: 'EXTRA_EVENTS-after-the-end_fail', change: async (set, key, keys, runs) => {
    const { recorded, head } = runs.get('one-task');
    const { event: _e, hash: _h, id: _i, prev: _p, revision: _r, at, ...cause } = recorded.at(-1);
    const [extra] = prepareCommit(head, { ...cause, commandId: hashOf('extra') }, at, [{ type: 'execution.cancel-requested.v1', data: { reason: null, comment: '', graceUntil: at } }]);
    return { ...set, events: Buffer.concat([set.events, extra.bytes, Buffer.from('\n')]) };
  } },
  { name: 'REBUILD_MISMATCH-cost_fail', change: withStatement((statement) => {
    statement.predicate.cost.microUsd = 0;
    const digests = { eventsDigest: statement.subject[0].digest.sha256, manifestDigest: statement.subject[1].digest.sha256, receiptDigest: sha256(canonicalBytes(statement.predicate)) };
    Object.assign(statement, statementOf(statement.predicate, digests));
  }) },
  { name: 'REBUILD_MISMATCH-extra-subject_fail', change: withStatement(({ subject }) => subject.push({ name: 'outputs/greet/more', digest: { sha256: hashOf('more') } })) },
].map((one) => ({ run: 'one-task', trust: pinned, ...one }));

export const cases = [
  ...sound,
  ...bad,
  { name: 'OK-superseding', run: 'one-task', trust: pinned, inputs: { supersedes: `sha256:${hashOf('the bundle before')}` } },
];

/** All files of a case by name. `keys`: name → key pair; `runs`: name → recorder. */
export async function filesOf({ run, inputs, signer = 'signing', change = async (set) => set }, keys, runs) {
  const key = keys[signer];
  const { events, receipt, manifest, bundle } = await change(await soundSet(runs.get(run), key, inputs), key, keys, runs);
  const files = { 'events.jsonl': events, 'receipt.json': receipt, 'manifest.json': manifest, 'receipt.sigstore.json': bundle, 'key.pub': key.publicKeyPem };
  return Object.entries(files).filter(([, bytes]) => bytes !== null);
}
