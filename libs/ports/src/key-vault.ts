/** Names a data key; public, written into events. Says nothing about the key. `[a-z0-9-]{8,64}` */
export type DataKeyId = string;

/**
 * What to seal for one event: the plaintext of all its sealed places of one subject key. A large value of its own has
 * `blob/<commitment>` in place of an event id.
 */
export type SealRequest = { readonly keyId: DataKeyId; readonly eventId: string; readonly plaintext: Uint8Array };
/** nonce (12) || ciphertext || tag (16), AES-256-GCM with the event id (UTF-8) as additional data. */
export type Ciphertext = Uint8Array;

/**
 * Data keys. They live here and nowhere else, so that they can be destroyed; destroying a key erases its values.
 * A created key is durable before `create` answers. Keys are handed out once and never to two scopes.
 * Faults: KEY_MISSING, KEY_DESTROYED, KEY_DAMAGED, SEAL_DAMAGED, STORE_CLOSED, STORE_READ_ONLY.
 */
export interface KeyVault {
  /** `scope` is for audit only (`execution:<id>`, `workflow:<name>`, `person:<id>`). Fast: keys are made ahead of time. */
  create(scope: string): Promise<DataKeyId>;
  seal(request: SealRequest): Promise<Ciphertext>;
  open(keyId: DataKeyId, eventId: string, ciphertext: Ciphertext): Promise<Uint8Array>;
  /** HMAC-SHA-256 of `context` (UTF-8) under the key, 32 bytes: deterministic salts and request tags. */
  derive(keyId: DataKeyId, context: string): Promise<Uint8Array>;
  /** Durable and final; idempotent. */
  destroy(keyId: DataKeyId): Promise<void>;
  close(): Promise<void>;
}

/** A data key that moves between deployments. `key`: 32 bytes; null: it was destroyed, and stays so. */
export type MovedKey = { readonly keyId: DataKeyId; readonly key: Uint8Array | null };

/**
 * Data keys in the clear, for moving a deployment. Vaults have it beside `KeyVault`; roles are given a `KeyVault` only, and so
 * have no way to it.
 */
export interface KeyTransfer {
  /** The key itself. Faults: KEY_MISSING, KEY_DESTROYED, KEY_DAMAGED, STORE_CLOSED. */
  reveal(keyId: DataKeyId): Promise<Uint8Array>;
  /**
   * Takes keys of another vault under the ids that they have; durable before it answers. The same keys again change nothing, and
   * a key that is destroyed here stays destroyed. Faults: KEY_EXISTS (another key has the id; nothing was taken), KEY_MISSING
   * (an id of no form that `DataKeyId` allows), STORE_CLOSED, STORE_READ_ONLY.
   */
  adopt(keys: readonly MovedKey[]): Promise<void>;
}
