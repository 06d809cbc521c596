// A conductor in miniature: real deciders and the real codec, with fixed times, salts and ids, so that a history is the
// same bytes whenever it is made.
import { EMPTY_HEAD, openedPlacesOf, prepareCommit, seal } from '@maestro/codec';
import { executionDecider, executionStream, later, parseExecutionId } from '@maestro/domain';
import { canonicalText, commit, merkleRoot, sha256 } from '@maestro/receipt';

export const hashOf = (label) => sha256(`golden ${label}`);
const saltOf = (label) => hashOf(`salt ${label}`).slice(0, 32);

/** A UUID with this version that a label determines. */
export function uuidOf(label, version = 7) {
  const hex = hashOf(`uuid ${label}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${version}${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Records one stream. `decider` may be left out: then only `append` works. */
export class Recorder {
  constructor(name, stream, decider) {
    this.name = name;
    this.stream = stream;
    this.decider = decider;
    this.state = decider?.initial();
    this.head = EMPTY_HEAD;
    this.now = '2026-01-05T10:00:00.000Z';
    this.prepared = [];
    this.seals = [];
    this.secrets = new Map();
    this.commands = 0;
    /** task/attempt → the place that policy's check committed to */
    this.checked = new Map();
  }

  static run(name) {
    return new Recorder(name, executionStream(parseExecutionId(uuidOf(name))), executionDecider);
  }

  wait(ms) {
    this.now = later(this.now, ms);
    return this;
  }

  /** Seals a value for a place of the event that comes next. */
  seal(pointer, value) {
    return seal(this.secrets, pointer, saltOf(`${this.name} ${this.commands} ${pointer} ${this.secrets.size}`), value);
  }

  /** A commitment that stands in an event as a plain hash at `at`, made for another pointer. */
  commitTo(at, pointer, value) {
    return this.commitAgain(at, [pointer, saltOf(`${this.name} ${this.commands} ${pointer}`), value]);
  }

  /** The commitment to a place that an earlier event committed to: the same salt, so the same hash. */
  commitAgain(at, place) {
    const [pointer, salt, value] = place;
    this.derived = { at, place };
    return commit(salt, pointer, value);
  }

  decide(command, actor = 'user:local') {
    const decision = this.decider.decide(this.state, { now: this.now, ...command });
    if (decision.kind === 'refused') throw new Error(`${this.name}: ${command.kind}: ${JSON.stringify(decision.rejection)}`);
    return this.append(decision.events, actor);
  }

  append(events, actor = 'user:local') {
    const commandId = hashOf(`${this.name} command ${this.commands}`);
    const first = this.prepared[0]?.recorded;
    const cause = {
      tenant: 'default',
      stream: this.stream,
      commandId,
      causationId: this.prepared.at(-1)?.recorded.id ?? commandId,
      correlationId: first?.correlationId ?? `golden-${this.name}`,
      actor,
    };
    const made = prepareCommit(this.head, cause, this.now, events);
    for (const { recorded } of made) {
      if (this.decider) this.state = this.decider.evolve(this.state, recorded);
      this.#keepSeals(recorded);
    }
    const last = made.at(-1).recorded;
    this.head = { revision: last.revision, hash: last.hash, at: last.at };
    this.prepared.push(...made);
    this.commands += 1;
    this.secrets = new Map();
    this.derived = undefined;
    return this.wait(40);
  }

  #keepSeals({ event, revision }) {
    for (const place of openedPlacesOf(event, this.secrets)) this.seals.push({ revision, at: `${place[0]}/commitment`, place });
    if (this.derived && event.data[this.derived.at.slice(1)] === commit(this.derived.place[1], this.derived.place[0], this.derived.place[2])) {
      this.seals.push({ revision, ...this.derived });
    }
  }

  get recorded() {
    return this.prepared.map(({ recorded }) => recorded);
  }

  /** What a second reader must come to. */
  get figures() {
    return {
      stream: this.stream,
      count: this.prepared.length,
      head: this.head.hash,
      merkleRoot: merkleRoot(this.recorded.map(({ hash }) => hash)),
      commitments: this.seals.length,
    };
  }
}

export const environment = {
  maestro: '0.1.0',
  build: `sha256:${hashOf('build')}`,
  node: '24.21.0',
  profile: 'embedded',
  store: 'sqlite',
  storeVersion: '3.53.4',
  durability: 'WAL, synchronous=FULL, group commit',
  queue: 'memory',
  policyEngine: 'opa-wasm 1.10.0',
  region: 'eu-central-1',
  acceptedRisks: [],
};

const PACKS = ['pii', 'residency', 'stages'];

/** A decision of three packs; `violations` go to the last one. */
export function decisionOf(run, checkId, { violations = [], obligations = [], taskId = null, attempt = null } = {}) {
  const stage = checkId.startsWith('publish') ? 'publish' : checkId.startsWith('task') ? 'task' : 'start';
  const packs = PACKS.map((pack, index) => {
    const codes = index === PACKS.length - 1 ? violations : [];
    return { pack, allow: codes.length === 0, violations: codes, obligations: index === 0 ? obligations : [], packDigest: hashOf(`pack ${pack}`) };
  });
  return {
    checkId,
    stage,
    taskId,
    attempt,
    allow: violations.length === 0,
    reason: null,
    packs,
    setDigest: hashOf('policy set'),
    wasmDigest: hashOf('wasm'),
    dataDigest: hashOf('policy data'),
    entrypoint: `maestro/${stage}`,
    engine: 'opa-wasm 1.10.0',
    inputSchema: 'policy-input.v1',
    input: run.seal('/input', { checkId, stage }),
    result: run.seal('/result', packs.map(({ pack, violations: codes }) => ({ pack, violations: codes }))),
    evaluatedAt: run.now,
    durationUs: 850,
  };
}

/** Digest of a manifest as runs pin it. */
export const manifestDigest = (manifest) => sha256(canonicalText(manifest));
