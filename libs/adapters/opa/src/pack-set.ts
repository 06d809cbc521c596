import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { PolicySetRef } from '@maestro/ports';
import { Fault, isFault } from '@maestro/ports';
import { sha256 } from '@maestro/receipt';
import { type IndexedSet, compilerDigestOf, parseBundleIndex, setDigestOf } from './bundle-index.ts';

/** A set whose digests were checked, compiled and ready to be handed to workers. */
export type PackSet = {
  readonly ref: PolicySetRef;
  readonly indexed: IndexedSet;
  readonly module: WebAssembly.Module;
  readonly dataText: string;
};
/** `refused`: sets that are listed but cannot be used, and why. */
export type LoadedSets = {
  readonly active: PackSet;
  readonly sets: ReadonlyMap<string, PackSet>;
  readonly refused: ReadonlyMap<string, Fault>;
};

/**
 * Loads every set that `index.json` of a bundles folder lists. A damaged older set is refused by itself; a damaged
 * active set, or none, is PACK_SET_UNAVAILABLE.
 */
export function loadSets(bundlesDir: string): LoadedSets {
  const index = parseBundleIndex(readBytes(bundlesDir, 'index.json').toString('utf8'));
  const sets = new Map<string, PackSet>();
  const refused = new Map<string, Fault>();
  for (const indexed of index.sets) {
    try {
      sets.set(indexed.setDigest, loadSet(bundlesDir, indexed));
    } catch (error) {
      if (!isFault(error)) throw error;
      refused.set(indexed.setDigest, error);
    }
  }
  const active = sets.get(index.active);
  if (active !== undefined) return { active, sets, refused };
  throw refused.get(index.active) ?? unavailable(index.active, 'is named as active in index.json but not listed');
}

function loadSet(bundlesDir: string, indexed: IndexedSet): PackSet {
  const { setDigest } = indexed;
  const wasm = readBytes(bundlesDir, `${setDigest}.wasm`);
  const data = readBytes(bundlesDir, `${setDigest}.data.json`);
  const differing = [
    setDigestOf(indexed) === setDigest ? [] : ['setDigest (of the entry in index.json)'],
    sha256(wasm) === indexed.wasmDigest ? [] : [`wasmDigest (of ${setDigest}.wasm)`],
    sha256(data) === indexed.dataDigest ? [] : [`dataDigest (of ${setDigest}.data.json)`],
    [null, compilerDigestOf(indexed)].includes(indexed.compilerDigest) ? [] : ['compilerDigest (of opaVersion in index.json)'],
  ].flat();
  if (differing.length > 0) throw unavailable(setDigest, `differs from its digests in ${differing.join(', ')}`);
  return { ref: refOf(indexed), indexed, module: compile(setDigest, wasm), dataText: data.toString('utf8') };
}

function compile(setDigest: string, wasm: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(Uint8Array.from(wasm));
  } catch (cause) {
    throw unavailable(setDigest, 'does not compile', cause);
  }
}

function refOf(indexed: IndexedSet): PolicySetRef {
  const { setDigest, wasmDigest, dataDigest, entrypoints, opaVersion } = indexed;
  const packs = indexed.packs.map(({ name, packDigest, stages }) => ({ name, packDigest, stages }));
  return { setDigest, wasmDigest, dataDigest, entrypoints, packs, engine: `opa-wasm ${sdkVersion()}/opa ${opaVersion}` };
}

// The SDK does not export its package.json, so it is read beside its entry file.
function sdkVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@open-policy-agent/opa-wasm');
  const manifest = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

function readBytes(bundlesDir: string, file: string): Buffer {
  try {
    return readFileSync(join(bundlesDir, file));
  } catch (cause) {
    throw new Fault('PACK_SET_UNAVAILABLE', `${file} cannot be read in the bundles folder; restore it from the release`, {
      cause,
    });
  }
}

function unavailable(setDigest: string, detail: string, cause?: unknown): Fault {
  return new Fault('PACK_SET_UNAVAILABLE', `set ${setDigest} ${detail}; restore policy/bundles from the release`, { cause });
}
