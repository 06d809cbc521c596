import type { Json } from '@maestro/domain';
import type { PackResult, PolicyFinding, PolicyStage } from '@maestro/ports';
import { canonicalText } from '@maestro/receipt';
import type { IndexedSet } from './bundle-index.ts';

/** What a pack that could not judge its input is said to have found. */
const INPUT_INVALID: PolicyFinding = { code: 'INPUT_INVALID', path: [], params: {} };
const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;

/**
 * Translates what an entrypoint answered into one result per pack of the stage, by name. A pack without an answer is
 * not ready; an answer that is not of the agreed shape is a text that says what is wrong with it.
 */
export function packResults(set: IndexedSet, stage: PolicyStage, answered: unknown): readonly PackResult[] | string {
  if (!Array.isArray(answered)) return 'the result is not a list';
  const [first = { result: {} }] = answered as readonly unknown[];
  const result = isRecord(first) ? first['result'] : undefined;
  if (!isRecord(result)) return 'the result is not an object';
  const asked = set.packs.filter((pack) => pack.stages.includes(stage)).map((pack) => pack.name);
  const unknown = Object.keys(result).find((name) => !asked.includes(name));
  if (unknown !== undefined) return `${unknown} is no pack of this stage`;
  const results: PackResult[] = [];
  for (const name of asked.toSorted()) {
    const one = packResult(name, Object.hasOwn(result, name) ? result[name] : undefined);
    if (typeof one === 'string') return one;
    results.push(one);
  }
  return results;
}

function packResult(pack: string, answer: unknown): PackResult | string {
  if (answer === undefined) return { pack, ready: false, allow: false, violations: [INPUT_INVALID], obligations: [] };
  if (!isRecord(answer) || !hasKeys(answer, ['obligations', 'ready', 'violations'])) return `${pack} has an unknown shape`;
  const { ready } = answer;
  const found = findings(answer['violations']);
  const obligations = findings(answer['obligations']);
  if (typeof ready !== 'boolean' || found === undefined || obligations === undefined) return `${pack} has an unknown shape`;
  const violations = ready ? found : sorted([...found, INPUT_INVALID]);
  return { pack, ready, allow: ready && violations.length === 0, violations, obligations };
}

function findings(value: unknown): readonly PolicyFinding[] | undefined {
  return Array.isArray(value) && value.every(isFinding) ? sorted(value) : undefined;
}

// Sets come in the order of the engine's memory; only a canonical order gives the same bytes for ever.
function sorted(value: readonly PolicyFinding[]): readonly PolicyFinding[] {
  if (value.length < 2) return value;
  const keyed = value.map((finding) => ({ finding, key: canonicalText(finding) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ finding }) => finding);
}

function isFinding(value: unknown): value is PolicyFinding {
  if (!isRecord(value) || !hasKeys(value, ['code', 'params', 'path'])) return false;
  const { code, path, params } = value;
  return typeof code === 'string' && CODE.test(code) && Array.isArray(path) && path.every(isStep) && isRecord(params);
}

function isStep(value: unknown): value is string | number {
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0);
}

function hasKeys(value: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  return Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key));
}

function isRecord(value: unknown): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
