import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { Fault } from '@maestro/ports';
import type { Ciphertext, DataKeyId, KeyTransfer, KeyVault, MovedKey, SealRequest } from '@maestro/ports';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** KeyVault in memory, for tests and simulations: `close` loses every key. `entropy` makes keys and nonces. */
export class MemoryKeyVault implements KeyVault, KeyTransfer {
  /** null: destroyed */
  readonly #keys = new Map<DataKeyId, Uint8Array | null>();
  readonly #entropy: (count: number) => Uint8Array;
  #closed = false;

  constructor(entropy: (count: number) => Uint8Array = randomBytes) {
    this.#entropy = entropy;
  }

  async create(_scope: string): Promise<DataKeyId> {
    this.#assertOpen();
    const keyId = `k-${Buffer.from(this.#entropy(8)).toString('hex')}-${this.#keys.size}`;
    this.#keys.set(keyId, this.#entropy(32));
    return keyId;
  }

  async seal({ keyId, eventId, plaintext }: SealRequest): Promise<Ciphertext> {
    const key = this.#keyOf(keyId);
    const nonce = this.#entropy(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(eventId));
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  async open(keyId: DataKeyId, eventId: string, ciphertext: Ciphertext): Promise<Uint8Array> {
    const key = this.#keyOf(keyId);
    try {
      const body = ciphertext.subarray(NONCE_BYTES, -TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, ciphertext.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(eventId)).setAuthTag(ciphertext.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(body), decipher.final()]);
    } catch (cause) {
      throw new Fault('SEAL_DAMAGED', `the ciphertext of event ${eventId} does not open under key ${keyId}`, { cause });
    }
  }

  async derive(keyId: DataKeyId, context: string): Promise<Uint8Array> {
    return createHmac('sha256', this.#keyOf(keyId)).update(context).digest();
  }

  async destroy(keyId: DataKeyId): Promise<void> {
    this.#assertOpen();
    if (!this.#keys.has(keyId)) throw missing(keyId);
    this.#keys.set(keyId, null);
  }

  async reveal(keyId: DataKeyId): Promise<Uint8Array> {
    return Uint8Array.from(this.#keyOf(keyId));
  }

  async adopt(keys: readonly MovedKey[]): Promise<void> {
    this.#assertOpen();
    for (const { keyId, key } of keys) {
      if (!/^[a-z0-9-]{8,64}$/.test(keyId)) throw missing(keyId);
      const own = this.#keys.get(keyId);
      if (own !== undefined && own !== null && key !== null && !Buffer.from(own).equals(key)) throw new Fault('KEY_EXISTS', `another key has the id ${keyId} in this vault; nothing was taken`);
    }
    for (const { keyId, key } of keys) if (this.#keys.get(keyId) !== null) this.#keys.set(keyId, key === null ? null : Uint8Array.from(key));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#keys.clear();
  }

  #keyOf(keyId: DataKeyId): Uint8Array {
    this.#assertOpen();
    const key = this.#keys.get(keyId);
    if (key === undefined) throw missing(keyId);
    if (key === null) throw new Fault('KEY_DESTROYED', `key ${keyId} was destroyed; its values are gone for ever`);
    return key;
  }

  #assertOpen(): void {
    if (this.#closed) throw new Fault('STORE_CLOSED', 'the key vault was closed');
  }
}

function missing(keyId: DataKeyId): Fault {
  return new Fault('KEY_MISSING', `no key ${keyId} was ever made in this vault`);
}
