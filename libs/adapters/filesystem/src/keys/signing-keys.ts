import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@maestro/ports';
import type { Clock } from '@maestro/ports';
import {
  KEY_REGISTRY_PAYLOAD_TYPE,
  createRegistry,
  envelopeBytes,
  openSSHFingerprint,
  registryToSign,
  toEnvelope,
  verifyRegistry,
} from '@maestro/receipt';
import type { DsseEnvelope, KeyRegistry } from '@maestro/receipt';
import { makeFolderSync, readTextSync, writeTextSync } from './durable-sync.ts';
import { generateKeyPem, publicSpkiOf, signP256, verifyP256 } from './p256.ts';

/** What others need to trust a conductor; nothing of it is secret. */
export type PublicKeys = {
  /** signed by the root; lists the signing key */
  readonly registryEnvelope: DsseEnvelope;
  readonly registry: KeyRegistry;
  /** DER SubjectPublicKeyInfo, base64 */
  readonly rootSpki: string;
  readonly rootKeyId: string;
};

/** What a conductor signs with, and what others need to trust it. */
export type SigningKeys = PublicKeys & {
  /** PKCS #8 PEM, P-256 */
  readonly signingKeyPem: string;
  /** OpenSSH fingerprint of the signing key */
  readonly keyId: string;
};

/** Signed and verified at every start. */
const SELF_TEST = Buffer.from('maestro signing key self-test');

type Paths = { readonly rootPem: string; readonly rootPub: string; readonly signingPem: string; readonly registry: string };

/**
 * The signing keys of a data folder. The first start makes `root/root.pem`, `root/root.pub`, `signing.pem` and, last,
 * `registry.json` (version 1, one key, valid from now without end), all durable and private to the user; one that was
 * interrupted is finished with the keys it had made. No key is ever replaced. After the first start `root.pem` is not
 * read again and should be moved to a safe place.
 * Faults: KEY_MISSING, KEY_DAMAGED (each says which file), SIGNING_FAILED (key revoked), STORE_READ_ONLY.
 */
export function openSigningKeys(folder: string, clock: Pick<Clock, 'nowMs'>): SigningKeys {
  const paths = pathsIn(folder);
  if (!existsSync(paths.registry)) finishFirstStart(folder, paths, new Date(clock.nowMs()).toISOString());
  return readKeys(paths);
}

/** The keys of a folder that was made before: several processes share one, and none of them makes keys. Faults: as `openSigningKeys`. */
export function readSigningKeys(folder: string): SigningKeys {
  return readKeys(pathsIn(folder));
}

/** Registry and root of a folder, without its private keys, which need not be there. Faults: KEY_MISSING, KEY_DAMAGED. */
export function readPublicKeys(folder: string): PublicKeys {
  return readRegistry(pathsIn(folder));
}

function pathsIn(folder: string): Paths {
  return {
    rootPem: join(folder, 'root', 'root.pem'),
    rootPub: join(folder, 'root', 'root.pub'),
    signingPem: join(folder, 'signing.pem'),
    registry: join(folder, 'registry.json'),
  };
}

function finishFirstStart(folder: string, paths: Paths, notBefore: string): void {
  makeFolderSync(folder);
  makeFolderSync(join(folder, 'root'));
  if (existsSync(paths.rootPub) && !existsSync(paths.rootPem)) {
    throw new Fault(
      'KEY_MISSING',
      `${paths.registry} is missing and so is the root key that could sign a new one; restore them from a backup`,
    );
  }
  const rootPem = readTextSync(paths.rootPem) ?? createKey(paths.rootPem);
  const rootSpki = requireSpki(rootPem, paths.rootPem);
  if (!existsSync(paths.rootPub)) writeTextSync(paths.rootPub, `${rootSpki}\n`, 'create');
  const signingPem = readTextSync(paths.signingPem) ?? createKey(paths.signingPem);
  const spki = requireSpki(signingPem, paths.signingPem);
  const key = { keyId: requireKeyId(spki, paths.signingPem), spki, notBefore, notAfter: null, revokedAt: null, reason: null };
  const { payload, toSign } = registryToSign(createRegistry(1, [key]));
  const envelope = toEnvelope({
    payloadType: KEY_REGISTRY_PAYLOAD_TYPE,
    payload,
    keyId: requireKeyId(rootSpki, paths.rootPem),
    signature: signP256(rootPem, toSign),
  });
  writeTextSync(paths.registry, Buffer.from(envelopeBytes(envelope)).toString(), 'create');
}

function readRegistry(paths: Paths): PublicKeys {
  const rootSpki = requireText(paths.rootPub).trim();
  const registryEnvelope = parseEnvelope(paths.registry);
  const verdict = verifyRegistry(registryEnvelope, rootSpki, verifyP256);
  if (verdict.kind === 'refused') throw damaged(paths.registry, `${verdict.reason} by ${paths.rootPub}: ${verdict.detail}`);
  const { registry, rootKeyId } = verdict;
  return { registryEnvelope, registry, rootSpki, rootKeyId };
}

function readKeys(paths: Paths): SigningKeys {
  const published = readRegistry(paths);
  const { registry } = published;
  const signingKeyPem = requireText(paths.signingPem);
  const keyId = requireKeyId(requireSpki(signingKeyPem, paths.signingPem), paths.signingPem);
  const listed = registry.keys.find((key) => key.keyId === keyId);
  if (listed === undefined) throw damaged(paths.signingPem, `key ${keyId} is not in the registry`);
  if (listed.revokedAt !== null) {
    throw new Fault(
      'SIGNING_FAILED',
      `key ${keyId} in ${paths.signingPem} was revoked at ${listed.revokedAt}; put a registered key there`,
    );
  }
  // a PEM holds the public key beside the private one: each can be damaged by itself
  if (!verifyP256(listed.spki, SELF_TEST, signP256(signingKeyPem, SELF_TEST))) throw damaged(paths.signingPem, 'what it signs does not verify under its own public key');
  return { ...published, signingKeyPem, keyId };
}

function createKey(path: string): string {
  const pem = generateKeyPem();
  writeTextSync(path, pem, 'create');
  return pem;
}

function parseEnvelope(path: string): DsseEnvelope {
  const text = requireText(path);
  try {
    // Its shape is checked with its signature.
    return JSON.parse(text) as DsseEnvelope;
  } catch {
    throw damaged(path, 'not JSON');
  }
}

function requireText(path: string): string {
  const text = readTextSync(path);
  if (text === undefined) throw new Fault('KEY_MISSING', `${path} is missing; restore it from a backup`);
  return text;
}

function requireSpki(pem: string, path: string): string {
  const spki = publicSpkiOf(pem);
  if (spki === undefined) throw damaged(path, 'not a private key in PEM');
  return spki;
}

function requireKeyId(spki: string, path: string): string {
  const keyId = openSSHFingerprint(spki);
  if (keyId === undefined) throw damaged(path, 'not a P-256 key');
  return keyId;
}

function damaged(path: string, what: string): Fault {
  return new Fault('KEY_DAMAGED', `${path}: ${what}; restore it from a backup`);
}
