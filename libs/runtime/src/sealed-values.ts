import { decodePlaces, decodeSealed, encodePlaces, encodeSealed, openedPlacesOf, openedValue } from '@maestro/codec';
import type { PreparedEvent, Secrets } from '@maestro/codec';
import type { Json, Recorded, StreamName } from '@maestro/domain';
import { Fault } from '@maestro/ports';
import type { DataKeyId, Entropy, EventStore, KeyVault, NewEvent, StoredEvent } from '@maestro/ports';
import type { OpenedPlace } from '@maestro/receipt';
import { LRUCache } from 'lru-cache';

/** Opened values kept in memory at most. */
const CACHE_BYTES_MAX = 64 * 1024 * 1024;
const SALT_BYTES = 16;

/**
 * The only place where values are sealed and opened.
 * V1. A value leaves this process only inside work for a policy or runner role.
 * V2. A salt is drawn or derived once per prepared append; a retry sends the same bytes.
 * V3. What is opened is checked against the commitment in the event before anybody sees it.
 */
export class SealedValues {
  readonly #vault: KeyVault;
  readonly #entropy: Entropy;
  readonly #store: EventStore;
  readonly #opened = new LRUCache<string, readonly OpenedPlace[]>({ maxSize: CACHE_BYTES_MAX });

  constructor(vault: KeyVault, entropy: Entropy, store: EventStore) {
    this.#vault = vault;
    this.#entropy = entropy;
    this.#store = store;
  }

  createKey(scope: string): Promise<DataKeyId> {
    return this.#vault.create(scope);
  }

  /** 128 random bits in hex. */
  randomSalt(): string {
    return Buffer.from(this.#entropy.bytes(SALT_BYTES)).toString('hex');
  }

  /** 128 bits that the key and an intent determine: the same commitment however often it is made. */
  async derivedSalt(keyId: DataKeyId, context: string): Promise<string> {
    return Buffer.from(await this.#vault.derive(keyId, context)).toString('hex', 0, SALT_BYTES);
  }

  /** HMAC of a text under a key, 64 hex: tells equal from different without telling what. */
  async tag(keyId: DataKeyId, text: string): Promise<string> {
    return Buffer.from(await this.#vault.derive(keyId, text)).toString('hex');
  }

  /** A prepared event with the ciphertext of what it seals. */
  async toNewEvent({ recorded, bytes }: PreparedEvent, keyId: DataKeyId | undefined, secrets: Secrets): Promise<NewEvent> {
    const { id, hash, event } = recorded;
    const places = secrets.size === 0 ? [] : openedPlacesOf(event, secrets);
    if (places.length === 0) return { id, type: event.type, bytes, hash, sealed: null };
    if (keyId === undefined) throw new Error(`${event.type} seals values but its stream has no key`);
    const plaintext = encodePlaces(places);
    const ciphertext = await this.#vault.seal({ keyId, eventId: id, plaintext });
    this.#opened.set(id, places, { size: plaintext.length });
    return { id, type: event.type, bytes, hash, sealed: encodeSealed([{ keyId, ciphertext }]) };
  }

  /** The value that an event committed to at a pointer. Faults: KEY_DESTROYED (erased), SEAL_DAMAGED. */
  async open(recorded: Recorded, pointer: string, commitment: string): Promise<Json> {
    const [, , value] = await this.openPlace(recorded, pointer, commitment);
    return value;
  }

  /** As `open`, with the salt: so that the value can be sealed again elsewhere under the same commitment. */
  async openPlace(recorded: Recorded, pointer: string, commitment: string): Promise<OpenedPlace> {
    const places = this.#opened.get(recorded.id) ?? (await this.#openAll(recorded));
    const place = places.find(([at]) => at === pointer);
    if (place === undefined || openedValue(places, pointer, commitment) === undefined) {
      throw new Fault('SEAL_DAMAGED', `${pointer} of revision ${recorded.revision} of ${recorded.stream} does not open to its commitment`);
    }
    return place;
  }

  async #openAll(recorded: Recorded): Promise<readonly OpenedPlace[]> {
    const stored = await this.#find(recorded);
    if (stored.sealed === null) return [];
    const places: OpenedPlace[] = [];
    let size = 1;
    for (const { keyId, ciphertext } of decodeSealed(stored.sealed)) {
      const plaintext = await this.#vault.open(keyId, recorded.id, ciphertext);
      size += plaintext.length;
      places.push(...decodePlaces(plaintext));
    }
    this.#opened.set(recorded.id, places, { size });
    return places;
  }

  async #find({ stream, revision }: Recorded): Promise<StoredEvent> {
    const page = await this.#store.readStream(stream as StreamName, { from: BigInt(revision), direction: 'forward', limit: 1 });
    const stored = page.kind === 'page' ? page.events[0] : undefined;
    if (stored === undefined) throw new Fault('STORE_DAMAGED', `revision ${revision} of ${stream} is gone`);
    return stored;
  }
}
