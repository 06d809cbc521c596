// Histories with what schemas allow and deciders do not write yet: resumed runs, blobs, and the streams of other aggregates.
// A reader of today must still understand them tomorrow.
import { workflowDecider } from '@maestro/domain';
import { Recorder, decisionOf, environment, hashOf, manifestDigest, uuidOf } from './recorder.mjs';
import { request, succeed, task } from './runs.mjs';

const blob = (label) => ({ digest: hashOf(`blob ${label}`), paddedBytes: 131_072, dataKeyId: 'key-blob-0001', location: `blobs/${hashOf(`blob ${label}`)}` });

/** A run that goes on from a failed one, takes over an output, and keeps a large one beside the events. */
function resumed() {
  const run = Recorder.run('resumed');
  const manifest = { name: 'flaky', version: '1.0.0', tasks: [task('steady'), task('flaky', { needs: ['steady'], retries: 2 })] };
  run.manifest = manifest;
  const from = { executionId: uuidOf('retries'), rootExecutionId: uuidOf('retries'), headRevision: 20, headHash: hashOf('head of the first run') };
  const requested = request(run, manifest, { who: 'world' }, {
    rollout: 'canary',
    region: 'eu-central-1',
    regionSource: 'request',
    labels: { team: 'research', reserved: '' },
    conductorUrl: null,
    resumedFrom: from,
  });
  requested.workflow.channel = 'candidate';
  requested.inputs = { ...requested.inputs, blob: blob('inputs') };
  run.decide({ kind: 'start', request: requested });
  const decided = { ...decisionOf(run, 'start', { obligations: ['REDACT_LOGS'] }), inputSchema: 'policy-input.v1' };
  const output = run.seal('/output', { ok: true });
  run.append(
    [
      { type: 'execution.policy-decided.v1', data: decided },
      { type: 'execution.started.v1', data: { environment: { ...environment, profile: 'cluster', store: 'eventstoredb', region: null, acceptedRisks: ['SINGLE_NODE_STORE'] } } },
      { type: 'execution.task-reused.v1', data: { taskId: 'steady', from: { executionId: uuidOf('retries'), revision: 6, eventHash: hashOf('reused event'), attempt: 1 }, output, public: { digest: `sha256:${hashOf('reused artefact')}` } } },
      { type: 'execution.task-scheduled.v1', data: { taskId: 'flaky', attempt: 1, refs: [{ taskId: 'steady', revision: 4 }], argumentsCommitment: hashOf('arguments'), notBefore: '2026-01-05T10:00:01.000Z' } },
      { type: 'execution.task-started.v1', data: { taskId: 'flaky', attempt: 1, runner: 'runner-9', leaseId: null, startedAt: run.now } },
    ],
    'role:policy',
  );
  return succeed(run, 'flaky', { big: true }, { public: { nested: { list: [`sha256:${hashOf('listed')}`, 'sha256:no digest'] } } });
}

/** Drafts and versions of a workflow: stable, candidate, denied; promotion, rollback and retirement as they will be written. */
function workflow() {
  const run = new Recorder('workflow', 'workflow-hello', workflowDecider);
  const save = (version) => {
    const manifest = { name: 'Hello', version, tasks: [task('greet')] };
    return run.decide({ kind: 'save-draft', manifest, name: 'Hello', version, manifestDigest: manifestDigest(manifest), dataKeyId: 'key-workflow-1' });
  };
  const publish = (version, violations = []) => {
    save(version).decide({ kind: 'publish', version, policySetDigest: hashOf('policy set'), requireRegion: false });
    return run.decide({ kind: 'record-policy-decision', decision: decisionOf(run, run.state.pending.checkId, { violations }) }, 'role:policy');
  };
  publish('1.0.0');
  publish('1.1.0');
  publish('1.2.0', ['LICENCE_MISSING']);
  const said = { workflowId: 'Hello', reason: 'OPERATOR_REQUEST', comment: 'as agreed \u2713' };
  run.append([{ type: 'workflow.promoted.v1', data: { ...said, version: '1.1.0', replaces: '1.0.0' } }]);
  run.append([{ type: 'workflow.rolled-back.v1', data: { ...said, version: '1.1.0', to: '1.0.0' } }]);
  return run.append([
    { type: 'workflow.retired.v1', data: { ...said, version: '1.1.0' } },
    { type: 'workflow.retired.v1', data: { ...said, version: null } },
  ]);
}

const id = uuidOf('one-task');
const evidence = { digest: hashOf('evidence'), location: `receipts/${hashOf('evidence')}` };
const at = '2026-01-05T10:05:00.000Z';

/** Stream → its events, one of each type that other aggregates write. */
const streams = {
  [`receipt-${id}`]: [
    ['receipt.signed.v1', { executionId: id, verdict: 'succeeded', assembler: 'receipt.v1', stream: { name: `execution-${id}`, count: 6, head: hashOf('head'), merkleRoot: hashOf('root') }, receiptDigest: hashOf('receipt'), statementDigest: hashOf('statement'), bundleDigest: hashOf('bundle'), evidence, keyId: 'SHA256:golden', supersedes: null }],
    ['receipt.logged.v1', { executionId: id, statementDigest: hashOf('statement'), origin: 'log.example/maestro', leafIndex: 0, treeSize: 1, root: hashOf('log root'), evidence }],
    ['receipt.witnessed.v1', { executionId: id, statementDigest: hashOf('statement'), origin: 'log.example/maestro', treeSize: 1, root: hashOf('log root'), kind: 'cosignature', witness: 'witness.example', witnessedAt: at, evidence }],
    ['receipt.superseded.v1', { executionId: id, supersededBundleDigest: hashOf('bundle'), bundleDigest: hashOf('bundle 2'), reason: 'CORRECTED', comment: '' }],
    ['receipt.disclosed.v1', { executionId: id, disclosureId: uuidOf('disclosure', 4), to: 'auditor@example.org', purpose: 'AUDIT', pointers: [{ revision: 0, pointer: '/inputs' }], archiveDigest: hashOf('archive') }],
    ['receipt.values-erased.v1', { executionId: id, scope: 'person', dataKeyIds: ['key-person-1'], reason: 'ERASURE_REQUEST', comment: '' }],
  ],
  'policy-default': [
    ['policy.activated.v1', { set: 'default', setDigest: hashOf('policy set'), wasmDigest: hashOf('wasm'), dataDigest: hashOf('policy data'), packs: [{ pack: 'pii', packDigest: hashOf('pack pii') }], replaces: null }],
    ['policy.retired.v1', { set: 'default', setDigest: hashOf('policy set'), reason: 'REPLACED', comment: '' }],
  ],
  'quota-research': [
    ['quota.limit-set.v1', { team: 'research', class: 'large', units: 10, period: 'day', validFrom: at }],
    ['quota.reserved.v1', { team: 'research', executionId: id, class: 'large', units: 2, expiresAt: at }],
    ['quota.committed.v1', { team: 'research', executionId: id, class: 'large', units: 1 }],
    ['quota.released.v1', { team: 'research', executionId: id, class: 'large', units: 1, reason: 'UNUSED' }],
    ['quota.overrun.v1', { team: 'research', executionId: id, class: 'large', units: 3 }],
  ],
  'budget-research': [
    ['budget.limit-set.v1', { team: 'research', microUsd: 9_007_199_254_740_991, period: 'month', validFrom: at }],
    ['budget.reserved.v1', { team: 'research', executionId: id, microUsd: 1_000, expiresAt: at }],
    ['budget.committed.v1', { team: 'research', executionId: id, microUsd: 240 }],
    ['budget.released.v1', { team: 'research', executionId: id, microUsd: 760, reason: 'UNUSED' }],
    ['budget.overrun.v1', { team: 'research', executionId: id, microUsd: 12 }],
  ],
  'release-api': [
    ['release.breach-reported.v1', { service: 'api', metric: 'error-rate', value: 0.0125, threshold: 0.01, source: 'prometheus' }],
    ['release.rollback-started.v1', { service: 'api', executionId: null, from: '1.1.0', to: '1.0.0', reason: 'SLO_BREACH' }],
    ['release.rolled-back.v1', { service: 'api', executionId: id, from: '1.1.0', to: '1.0.0', reason: 'SLO_BREACH', audit: 'mc.rollback' }],
    ['release.promoted.v1', { service: 'api', version: '1.2.0', replaces: null }],
  ],
  'log-example': [
    ['log.leaves-sequenced.v1', { origin: 'log.example/maestro', firstIndex: 0, leaves: [{ kind: 'receipt', digest: hashOf('statement') }, { kind: 'store-anchor', digest: hashOf('anchor') }] }],
    ['log.checkpoint-signed.v1', { origin: 'log.example/maestro', size: 2, root: hashOf('log root'), note: 'log.example/maestro\n2\nroot\n', keyId: 'log.example/maestro+00000000' }],
  ],
};

function otherStreams() {
  return Object.entries(streams).map(([stream, events]) => {
    const run = new Recorder(`stream-${stream.split('-')[0]}`, stream);
    for (const [type, data] of events) run.append([{ type, data }], 'service:maestro');
    return run;
  });
}

export const reserved = () => [resumed(), workflow(), ...otherStreams()];
