import type { PolicyStage } from '@maestro/ports';
import { Fault } from '@maestro/ports';
import { canonicalText, sha256 } from '@maestro/receipt';

/** One pack as `index.json` lists it; `stages` says where its answer must not be missing. */
export type IndexedPack = { readonly name: string; readonly packDigest: string; readonly stages: readonly PolicyStage[] };
/** One set as `index.json` lists it. All but `opaVersion` goes into `setDigest`; that is covered by `compilerDigest`. */
export type IndexedSet = {
  readonly setDigest: string;
  readonly wasmDigest: string;
  readonly dataDigest: string;
  readonly entrypoints: Readonly<Record<PolicyStage, string>>;
  readonly packs: readonly IndexedPack[];
  readonly opaVersion: string;
  /** null: listed by a release that wrote none */
  readonly compilerDigest: string | null;
};
export type BundleIndex = { readonly active: string; readonly sets: readonly IndexedSet[] };

const STAGES: readonly PolicyStage[] = ['publish', 'start', 'task'];
const DIGEST = /^[0-9a-f]{64}$/;
const ENTRYPOINT = /^[a-z]+(\/[a-z]+)+$/;

/** Reads the text of `index.json`. PACK_SET_UNAVAILABLE where it is not a bundle index of version 1. */
export function parseBundleIndex(text: string): BundleIndex {
  const index = record(parseJson(text), 'index.json');
  if (index['schema'] !== 'policy-bundles.v1') throw unusable('index.json: `schema` is not policy-bundles.v1');
  if (!Array.isArray(index['sets'])) throw unusable('index.json: `sets` is not a list');
  return { active: digest(index['active'], 'active'), sets: index['sets'].map(parseSet) };
}

/** SHA-256 over the canonical JSON of everything that decides: code, data, entrypoints and the packs asked per stage. */
export function setDigestOf(set: Pick<IndexedSet, 'wasmDigest' | 'dataDigest' | 'entrypoints' | 'packs'>): string {
  const { wasmDigest, dataDigest, entrypoints, packs } = set;
  return sha256(canonicalText({ wasmDigest, dataDigest, entrypoints, packs }));
}

/** SHA-256 that binds a set to the compiler that it names, which receipts show and which decides nothing. */
export function compilerDigestOf({ setDigest, opaVersion }: Pick<IndexedSet, 'setDigest' | 'opaVersion'>): string {
  return sha256(`${setDigest} ${opaVersion}`);
}

function parseSet(value: unknown, at: number): IndexedSet {
  const where = `sets[${at}]`;
  const set = record(value, where);
  const entrypoints = record(set['entrypoints'], `${where}.entrypoints`);
  if (!Array.isArray(set['packs']) || set['packs'].length === 0)
    throw unusable(`index.json: ${where}.packs is not a list of packs`);
  return {
    setDigest: digest(set['setDigest'], `${where}.setDigest`),
    wasmDigest: digest(set['wasmDigest'], `${where}.wasmDigest`),
    dataDigest: digest(set['dataDigest'], `${where}.dataDigest`),
    entrypoints: {
      publish: text(entrypoints['publish'], `${where}.entrypoints.publish`, ENTRYPOINT),
      start: text(entrypoints['start'], `${where}.entrypoints.start`, ENTRYPOINT),
      task: text(entrypoints['task'], `${where}.entrypoints.task`, ENTRYPOINT),
    },
    packs: set['packs'].map((pack, n) => parsePack(pack, `${where}.packs[${n}]`)),
    opaVersion: text(set['opaVersion'], `${where}.opaVersion`, /^\d+\.\d+\.\d+$/),
    compilerDigest: set['compilerDigest'] === undefined ? null : digest(set['compilerDigest'], `${where}.compilerDigest`),
  };
}

function parsePack(value: unknown, where: string): IndexedPack {
  const pack = record(value, where);
  const stages = pack['stages'];
  if (!Array.isArray(stages) || !stages.every(isStage)) throw unusable(`index.json: ${where}.stages is not a list of stages`);
  return {
    name: text(pack['name'], `${where}.name`, /^[a-z][a-z0-9-]*$/),
    packDigest: digest(pack['packDigest'], `${where}.packDigest`),
    stages,
  };
}

function isStage(value: unknown): value is PolicyStage {
  return STAGES.some((stage) => stage === value);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw unusable('index.json is not JSON', cause);
  }
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unusable(`index.json: ${where} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

function digest(value: unknown, where: string): string {
  return text(value, where, DIGEST);
}

function text(value: unknown, where: string, form: RegExp): string {
  if (typeof value !== 'string' || !form.test(value)) throw unusable(`index.json: ${where} does not match ${form.source}`);
  return value;
}

function unusable(detail: string, cause?: unknown): Fault {
  return new Fault('PACK_SET_UNAVAILABLE', `${detail}; restore policy/bundles from the release`, { cause });
}
