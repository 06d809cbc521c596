// Histories of runs, made by the real decider.
import { planOf } from '@maestro/domain';
import { Recorder, decisionOf, environment, hashOf, manifestDigest, uuidOf } from './recorder.mjs';

const prices = { digest: hashOf('price book'), microUsdPerSecond: { small: 12, medium: 48, large: 192 } };
const fenced = new Set(['pkg:core/sleep@1.0.0']);
const findPackage = (uses) => ({ digest: hashOf(uses), fenced: fenced.has(uses), expectedDurationMs: 50, checkInput: () => [] });

export const task = (id, more = {}) => ({ id, uses: 'pkg:core/echo@1.0.0', ...more });
const whole = (id, path) => `\${{ tasks.${id}.outputs.${path} }}`;

export function request(run, manifest, inputs, more = {}) {
  const plan = planOf(manifest, findPackage);
  return {
    executionId: uuidOf(run.name),
    workflow: { id: manifest.name, version: manifest.version, manifestDigest: manifestDigest(manifest), channel: 'stable' },
    rollout: null,
    labels: plan.labels,
    region: plan.workflow.region,
    regionSource: plan.workflow.region === null ? 'none' : 'workflow',
    conductorUrl: 'http://127.0.0.1:8080',
    inputs: run.seal('/inputs', inputs),
    requestTag: hashOf(`${run.name} request tag`),
    dataKeyId: `key-${hashOf(run.name).slice(0, 12)}`,
    policySetDigest: hashOf('policy set'),
    requireRegion: false,
    prices,
    runTimeoutMs: 86_400_000,
    resumedFrom: null,
    tasks: plan.tasks,
    ...more,
  };
}

function begin(name, manifest, inputs = {}, more = {}) {
  const run = Recorder.run(name);
  run.manifest = manifest;
  return run.decide({ kind: 'start', request: request(run, manifest, inputs, more) });
}

const allow = (run, checkId = 'start') => run.decide({ kind: 'record-policy-decision', decision: decisionOf(run, checkId), environment, argumentsCommitment: null }, 'role:policy');

function allowTask(run, id, attempt = 1) {
  const decision = decisionOf(run, `task/${id}/${attempt}`);
  const argumentsCommitment = run.commitTo('/argumentsCommitment', '/arguments', { value: id });
  run.checked.set(`${id}/${attempt}`, run.derived.place);
  return run.decide({ kind: 'record-policy-decision', decision, environment, argumentsCommitment }, 'role:policy');
}

function report(run, taskId, outcome, { attempt = 1, durationMs = 20, leaseId = null, jitter = 0.5, log = `${taskId} says hello\n`, runner = 'runner-1' } = {}) {
  const checked = run.checked.get(`${taskId}/${attempt}`);
  const argumentsCommitment = checked
    ? run.commitAgain('/argumentsCommitment', checked)
    : run.commitTo('/argumentsCommitment', '/arguments', { value: taskId });
  const ran = {
    runner,
    leaseId,
    startedAt: run.now,
    durationMs,
    argumentsCommitment,
    log: log === '' ? null : run.seal('/log', log),
  };
  run.wait(durationMs);
  return run.decide({ kind: 'report-task', report: { taskId, attempt, ...ran, outcome: outcome(run) }, jitter }, 'role:runner');
}

export const succeed = (run, id, output, o = {}) =>
  report(run, id, () => ({ kind: 'succeeded', output: run.seal('/output', output), public: o.public ?? {} }), o);
const fail = (run, id, code, retryable, o = {}) =>
  report(run, id, () => ({ kind: 'failed', code, retryable, detail: run.seal('/error/detail', `${id} did not work`) }), o);

function oneTask() {
  const run = begin('one-task', { name: 'hello', version: '1.0.0', tasks: [task('greet', { with: { text: 'hello' } })] }, { who: 'world' });
  return succeed(allow(run), 'greet', { text: 'hello' }, { public: { digest: `sha256:${hashOf('artefact')}`, count: 1 } });
}

/** One task feeds eight, which feed one: everything downstream is checked late, when its arguments are known. */
function fanOut() {
  const middle = Array.from({ length: 8 }, (_, index) => `part-${index}`);
  const manifest = {
    name: 'fan-out',
    version: '2.1.0',
    region: 'eu-central-1',
    labels: { team: 'research' },
    tasks: [
      task('split'),
      ...middle.map((id) => task(id, { needs: ['split'], with: { value: whole('split', 'value') }, resources: { class: 'medium' } })),
      task('join', { needs: middle, with: Object.fromEntries(middle.map((id) => [id, whole(id, 'value')])), resources: { class: 'large' } }),
    ],
  };
  const run = succeed(allow(begin('fan-out', manifest)), 'split', { value: 8 });
  for (const id of middle) allowTask(run, id);
  for (const id of middle.toReversed()) succeed(run, id, { value: id }, { durationMs: 31, public: { files: [{ digest: `sha256:${hashOf(id)}` }] } });
  return succeed(allowTask(run, 'join'), 'join', { value: middle }, { durationMs: 137 });
}

/** Two attempts fail, one is too slow, and policy sees each next one before it runs; what depends on it and what waits elsewhere are skipped for different reasons. */
function retries() {
  const manifest = {
    name: 'flaky',
    version: '1.0.0',
    tasks: [
      task('steady'),
      task('flaky', { retries: 2, timeoutSeconds: 1 }),
      task('after-flaky', { needs: ['flaky'] }),
      task('after-steady', { needs: ['steady', 'slow'] }),
      task('slow'),
    ],
  };
  const run = allow(begin('retries', manifest));
  succeed(run, 'steady', { ok: true });
  fail(run, 'flaky', 'UPSTREAM_BROKEN', true);
  const retry = (attempt) => {
    run.decide({ kind: 'fire-timer', timer: { kind: 'retry-due', taskId: 'flaky', attempt }, environment }, 'role:timer');
    allowTask(run, 'flaky', attempt);
  };
  run.wait(500);
  retry(2);
  report(run, 'flaky', () => ({ kind: 'timed-out' }), { attempt: 2, durationMs: 1000, log: '' });
  run.wait(1000);
  retry(3);
  fail(run, 'flaky', 'UPSTREAM_BROKEN', true, { attempt: 3 });
  return succeed(run, 'slow', { ok: true });
}

function denied() {
  const run = begin('denied', { name: 'exporter', version: '1.0.0', region: 'us-east-1', tasks: [task('send'), task('sweep', { needs: ['send'] })] });
  const decision = decisionOf(run, 'start', { violations: ['REGION_NOT_ALLOWED', 'STAGE_MISSING'], obligations: ['REDACT_LOGS'] });
  return run.decide({ kind: 'record-policy-decision', decision, environment, argumentsCommitment: null }, 'role:policy');
}

/** Nobody answers in time: a deny without any pack. */
function undecided() {
  const run = begin('undecided', { name: 'hello', version: '1.0.0', tasks: [task('greet')] }).wait(30_000);
  return run.decide({ kind: 'fire-timer', timer: { kind: 'policy-deadline', checkId: 'start' }, environment }, 'role:timer');
}

/** The start is fine, but the arguments of a later task are not. */
function deniedTask() {
  const manifest = { name: 'late', version: '0.3.1', tasks: [task('read'), task('send', { needs: ['read'], with: { body: whole('read', 'text') } })] };
  const run = succeed(allow(begin('denied-task', manifest)), 'read', { text: 'secret' });
  const decision = decisionOf(run, 'task/send/1', { violations: ['PII_IN_ARGUMENTS'] });
  return run.decide({ kind: 'record-policy-decision', decision, environment, argumentsCommitment: null }, 'role:policy');
}

/** One task stops by itself, the other is stopped after the grace time, the third never starts. */
function cancelled() {
  const manifest = { name: 'long', version: '1.0.0', tasks: [task('polite'), task('deaf', { uses: 'pkg:core/sleep@1.0.0' }), task('never', { needs: ['polite', 'deaf'] })] };
  const run = allow(begin('cancelled', manifest));
  run.decide({ kind: 'start-task', taskId: 'deaf', attempt: 1, runner: 'runner-2', leaseId: 'lease-1', startedAt: run.now }, 'role:runner');
  run.decide({ kind: 'cancel', reason: 'USER_REQUEST', comment: 'not needed any more' });
  report(run, 'polite', () => ({ kind: 'cancelled' }));
  run.wait(10_000);
  return run.decide({ kind: 'fire-timer', timer: { kind: 'cancel-grace' }, environment }, 'role:timer');
}

function timedOut() {
  const manifest = { name: 'endless', version: '1.0.0', tasks: [task('wait', { uses: 'pkg:core/sleep@1.0.0' }), task('then', { needs: ['wait'] })] };
  const run = allow(begin('timed-out', manifest, {}, { runTimeoutMs: 60_000 }));
  run.decide({ kind: 'start-task', taskId: 'wait', attempt: 1, runner: 'runner-1', leaseId: 'lease-7', startedAt: run.now }, 'role:runner');
  run.wait(60_000);
  return run.decide({ kind: 'fire-timer', timer: { kind: 'run-limit' }, environment }, 'role:timer');
}

/** Text, keys and numbers that serialisers disagree about. */
function unicode() {
  const awkward = {
    '\u20ac': 'euro', '\r': 'carriage return', '\ufb33': 'dalet with dagesh', '1': 'one', '\u{1f600}': 'grinning', '\u0080': 'control', '\u00f6': 'o umlaut',
    quotes: '"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028\u2029', combined: 'e\u0301 is not \u00e9', empty: '',
  };
  const numbers = [0, -0, 1, -1, 1.5, 0.1, -0.000001, 1e-7, 123456789012345, 9007199254740991, 4.35, 5e-324, 123456.789e-9, 333333333.3333333, true, false, null];
  const manifest = { name: 'Unicode_1', version: '1.0.0-rc.1', description: 'gr\u00fc\u00dfe \u{1f30d}', labels: { 'stra\u00dfe': '\u{1f6e3}\ufe0f' }, tasks: [task('Speak_1'), task('speak-2', { needs: ['Speak_1'] })] };
  const run = allow(begin('unicode', manifest, { awkward, numbers, nested: { b: [[], {}, [{}]], a: '\u{10ffff}' } }));
  succeed(run, 'Speak_1', { awkward }, { public: { awkward, numbers }, log: '\u0000\u001b[31m\u{1f525}' });
  return succeed(run, 'speak-2', { numbers }, { public: { ratio: 0.30000000000000004, 'a/b~c': { '': `sha256:${hashOf('slash')}` } } });
}

/** More than one commit holds: scheduling is deferred, and so is stopping. */
function wide() {
  const manifest = { name: 'wide', version: '1.0.0', tasks: Array.from({ length: 260 }, (_, index) => task(`t${index}`)) };
  const run = allow(begin('wide', manifest, {}, { runTimeoutMs: 1_000 }));
  run.wait(1_000);
  run.decide({ kind: 'fire-timer', timer: { kind: 'run-limit' }, environment }, 'role:timer');
  return run.decide({ kind: 'continue-scheduling' }, 'role:timer');
}

/** The member that a commitment is about is `true`: its plain hash must be nowhere. */
function sealedTrue() {
  const run = begin('sealed-true', { name: 'truth', version: '1.0.0', tasks: [task('tell')] }, true);
  return succeed(allow(run), 'tell', true, { log: 'true' });
}

export const runs = () => [oneTask(), fanOut(), retries(), denied(), undecided(), deniedTask(), cancelled(), timedOut(), unicode(), wide(), sealedTrue()];
