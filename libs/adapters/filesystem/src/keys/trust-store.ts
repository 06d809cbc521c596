import { dirname } from 'node:path';
import { Fault } from '@maestro/ports';
import { openSSHFingerprint, verifyRegistry } from '@maestro/receipt';
import type { DsseEnvelope, KeyRegistry, RegistryKey } from '@maestro/receipt';
import { makeFolderSync, readTextSync, writeTextSync } from './durable-sync.ts';
import { verifyP256 } from './p256.ts';

const SCHEMA = 'https://companyos/internal/maestro/trust-store/v1';

/** A root that the user trusts, and the newest registry it was seen to sign. `registry` null: none seen yet. */
export type TrustedRoot = {
  readonly name: string;
  readonly rootKeyId: string;
  /** DER SubjectPublicKeyInfo, base64 */
  readonly spki: string;
  readonly highestRegistryVersion: number;
  readonly registry: DsseEnvelope | null;
};

/** A signing key that a trusted root vouches for. */
export type TrustedKey = RegistryKey & {
  readonly rootKeyId: string;
  readonly rootName: string;
  readonly registryVersion: number;
};

export type Learned =
  | { readonly kind: 'learned'; readonly registry: KeyRegistry }
  /** exactly this registry was known already */
  | { readonly kind: 'known'; readonly registry: KeyRegistry }
  | {
      readonly kind: 'refused';
      /** OLDER: a higher version was seen. EQUIVOCATION: this version was seen with other content */
      readonly reason: 'UNKNOWN_ROOT' | 'MALFORMED' | 'TAMPERED' | 'OLDER' | 'EQUIVOCATION';
      readonly detail: string;
    };

/** Whom a user trusts. Trust comes from here, never from what is being verified. */
export interface TrustStore {
  /** Trusts a root from now on; idempotent, the first name stays. RangeError: not a P-256 key. */
  enrol(root: { readonly name: string; readonly spki: string }): TrustedRoot;
  /** Takes a registry of an enrolled root (a parsed envelope), never one that is older than the newest seen. */
  learn(registryEnvelope: unknown): Learned;
  /** The key with this id, from the newest registry of any root; a revoked entry wins over others. */
  lookup(keyId: string): TrustedKey | undefined;
  roots(): readonly TrustedRoot[];
}

/**
 * The trust store in a JSON file of mode 0600; a missing file is an empty store and is made with the first enrolment.
 * Every call reads the file anew and every change replaces it as a whole, so that several programs may use one.
 * Faults: KEY_DAMAGED (says what is wrong with the file), STORE_READ_ONLY.
 */
export function openTrustStore(path: string): TrustStore {
  readVerified(path);
  return {
    enrol(root) {
      const rootKeyId = openSSHFingerprint(root.spki);
      if (rootKeyId === undefined) throw new RangeError('the root is not a P-256 public key (DER SubjectPublicKeyInfo, base64)');
      const roots = readVerified(path).map(({ root: known }) => known);
      const known = roots.find((other) => other.rootKeyId === rootKeyId);
      if (known !== undefined) return known;
      const enrolled = { name: root.name, rootKeyId, spki: root.spki, highestRegistryVersion: 0, registry: null };
      write(path, [...roots, enrolled]);
      return enrolled;
    },
    learn: (envelope) => learn(path, envelope),
    lookup: (keyId) => lookup(path, keyId),
    roots: () => readVerified(path).map(({ root }) => root),
  };
}

function learn(path: string, envelope: unknown): Learned {
  const entries = readVerified(path);
  for (const { root, registry: newest } of entries) {
    const verdict = verifyRegistry(envelope, root.spki, verifyP256);
    if (verdict.kind === 'refused') {
      if (verdict.reason === 'WRONG_ROOT') continue;
      return { kind: 'refused', reason: verdict.reason, detail: verdict.detail };
    }
    const { registry } = verdict;
    const refusal = compare(registry, root, newest);
    if (refusal !== undefined) return refusal;
    if (newest?.version === registry.version) return { kind: 'known', registry };
    const updated = { ...root, highestRegistryVersion: registry.version, registry: envelope as DsseEnvelope };
    write(
      path,
      entries.map((entry) => (entry.root === root ? updated : entry.root)),
    );
    return { kind: 'learned', registry };
  }
  return { kind: 'refused', reason: 'UNKNOWN_ROOT', detail: 'no enrolled root signed this registry; enrol its root first' };
}

function compare(registry: KeyRegistry, root: TrustedRoot, newest: KeyRegistry | null): Learned | undefined {
  const seen = root.highestRegistryVersion;
  if (registry.version < seen) {
    return {
      kind: 'refused',
      reason: 'OLDER',
      detail: `version ${registry.version}, but version ${seen} of ${root.name} was seen`,
    };
  }
  // Both were checked to be canonical: equal content is equal text.
  if (registry.version === seen && JSON.stringify(registry) !== JSON.stringify(newest)) {
    return { kind: 'refused', reason: 'EQUIVOCATION', detail: `version ${seen} of ${root.name} was seen with other content` };
  }
  return undefined;
}

function lookup(path: string, keyId: string): TrustedKey | undefined {
  const found = readVerified(path).flatMap(({ root, registry }): TrustedKey[] => {
    const key = registry?.keys.find((candidate) => candidate.keyId === keyId);
    if (registry === null || key === undefined) return [];
    return [{ ...key, rootKeyId: root.rootKeyId, rootName: root.name, registryVersion: registry.version }];
  });
  return found.find((key) => key.revokedAt !== null) ?? found[0];
}

type Entry = { readonly root: TrustedRoot; readonly registry: KeyRegistry | null };

/** The roots with their registries, each checked against its root again. */
function readVerified(path: string): Entry[] {
  const text = readTextSync(path);
  if (text === undefined) return [];
  const roots = parse(text);
  if (roots === undefined) throw damaged(path, 'not a trust store');
  return roots.map((root) => {
    if (openSSHFingerprint(root.spki) !== root.rootKeyId) throw damaged(path, `root ${root.name} does not match its key id`);
    if (root.registry === null && root.highestRegistryVersion === 0) return { root, registry: null };
    const verdict = verifyRegistry(root.registry, root.spki, verifyP256);
    if (verdict.kind === 'refused') throw damaged(path, `the registry of ${root.name} is ${verdict.reason}`);
    if (verdict.registry.version !== root.highestRegistryVersion) {
      throw damaged(path, `the registry of ${root.name} is not version ${root.highestRegistryVersion}`);
    }
    return { root, registry: verdict.registry };
  });
}

function parse(text: string): TrustedRoot[] | undefined {
  try {
    const value = JSON.parse(text) as { schema?: unknown; roots?: unknown };
    if (value.schema !== SCHEMA || !Array.isArray(value.roots)) return undefined;
    const roots = value.roots as Partial<Record<keyof TrustedRoot, unknown>>[];
    return roots.every(isRoot) ? (roots as TrustedRoot[]) : undefined;
  } catch {
    return undefined;
  }
}

function isRoot(root: Partial<Record<keyof TrustedRoot, unknown>>): boolean {
  return typeof root.name === 'string' && typeof root.spki === 'string' && Number.isSafeInteger(root.highestRegistryVersion);
}

function write(path: string, roots: readonly TrustedRoot[]): void {
  makeFolderSync(dirname(path));
  writeTextSync(path, `${JSON.stringify({ schema: SCHEMA, roots }, null, 2)}\n`, 'replace');
}

function damaged(path: string, what: string): Fault {
  return new Fault('KEY_DAMAGED', `${path}: ${what}; restore it from a backup, or remove it and enrol your roots again`);
}
