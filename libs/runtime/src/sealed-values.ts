import { decodePlaces, decodeSealed, encodePlaces, encodeSealed, openedPlacesOf, openedValue, parsedPlace, seal } from '@maestro/codec';
import type { PreparedEvent, Secrets } from '@maestro/codec';
import type { SealedValue } from '@maestro/contracts';
import type { Json, Recorded, StreamName } from '@maestro/domain';
import { Fault, VALUE_LIMITS } from '@maestro/ports';
import type { DataKeyId, Entropy, EventStore, EvidenceStore, KeyVault, NewEvent, StoredEvent } from '@maestro/ports';
import type { OpenedPlace } from '@maestro/receipt';
import { canonicalBytes } from '@maestro/receipt';
import { LRUCache } from 'lru-cache';
import { endOfTurn, scanInSlices } from './byte-slices.ts';
import type { Pause } from './byte-slices.ts';
import { ValueBlobs } from './value-blobs.ts';
import { partsAt, partsWanted } from './value-parts.ts';
import type { Path } from './value-parts.ts';

/** Opened inline values kept in memory at most; opened blobs have a bound of their own. */
const CACHE_BYTES_MAX = 32 * 1024 * 1024;
/** What an entry costs beyond its text (measured: 1 KiB for an event with two small places, of which 40 bytes are text). */
const ENTRY_BYTES = 400;
const PLACE_BYTES = 300;
const SALT_BYTES = 16;

/**
 * The only place where values are sealed and opened.
 * V1. A value leaves this process only inside work for a policy or runner role.
 * V2. A salt is drawn or derived once per prepared append; a retry sends the same bytes.
 * V3. What is opened is checked against the commitment in the event before anybody sees it.
 * V4. Values of up to 64 KiB lie beside their event, larger ones in a blob each; whoever seals or opens need not know.
 */
export class SealedValues {
  readonly #vault: KeyVault;
  readonly #entropy: Entropy;
  readonly #store: EventStore;
  readonly #blobs: ValueBlobs;
  /** between two slices of work on a large value */
  readonly pause: Pause;
  readonly #opened = new LRUCache<string, readonly OpenedPlace[]>({ maxSize: CACHE_BYTES_MAX });

  constructor(vault: KeyVault, entropy: Entropy, store: EventStore, evidence: EvidenceStore, pause: Pause = endOfTurn) {
    this.#vault = vault;
    this.#entropy = entropy;
    this.#store = store;
    this.pause = pause;
    this.#blobs = new ValueBlobs(vault, evidence, pause);
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
    this.#opened.set(id, places, { size: memoryBytes(places, plaintext.length) });
    return { id, type: event.type, bytes, hash, sealed: encodeSealed([{ keyId, ciphertext }]) };
  }

  /**
   * Commits to a value for a place of an event to come. A small one is kept in `secrets` for that event; a large one is
   * durable when this answers. `value`: of any size that its caller allows, or canonical JSON that its caller checked.
   * The same salt as before gives the same commitment, under whatever key.
   */
  async seal(secrets: Map<string, OpenedPlace>, keyId: DataKeyId, pointer: string, value: Json | Uint8Array, salt: string = this.randomSalt()): Promise<SealedValue> {
    const bytes = value instanceof Uint8Array ? value : canonicalBytes(value);
    if (bytes.length > VALUE_LIMITS.inlineBytesMax) return this.#blobs.seal(keyId, { pointer, salt, value: bytes });
    const [, , small] = value instanceof Uint8Array ? parsedPlace({ pointer, salt, value }) : [pointer, salt, value];
    return seal(secrets, pointer, salt, small);
  }

  /** What an event committed to, sealed once more under another key with its salt, so that its commitment stays. */
  async sealAgain(secrets: Map<string, OpenedPlace>, keyId: DataKeyId, recorded: Recorded, pointer: string, sealed: SealedValue): Promise<SealedValue> {
    if (sealed.blob !== undefined) return this.#blobs.seal(keyId, await this.#blobs.open(pointer, sealed.commitment, sealed.blob));
    const [, salt, value] = await this.openPlace(recorded, pointer, sealed);
    return seal(secrets, pointer, salt, value);
  }

  /** The value that an event committed to at a pointer. Faults: KEY_DESTROYED (erased), SEAL_DAMAGED, those of the stores. */
  async open(recorded: Recorded, pointer: string, sealed: SealedValue): Promise<Json> {
    const [, , value] = await this.openPlace(recorded, pointer, sealed);
    return value;
  }

  /** As `open`, with the salt. Parses a large value as a whole: for those whose size is bounded otherwise. */
  async openPlace(recorded: Recorded, pointer: string, { commitment, blob }: SealedValue): Promise<OpenedPlace> {
    if (blob !== undefined) return parsedPlace(await this.#blobs.open(pointer, commitment, blob));
    const places = this.#opened.get(recorded.id) ?? (await this.#openAll(recorded));
    const place = places.find(([at]) => at === pointer);
    if (place === undefined || openedValue(places, pointer, commitment) === undefined) {
      throw new Fault('SEAL_DAMAGED', `${pointer} of revision ${recorded.revision} of ${recorded.stream} does not open to its commitment`);
    }
    return place;
  }

  /**
   * As `open`, but of a large value only the parts at some paths, in a value that has nothing else. Undefined: they are
   * more than `bytesMax` together.
   */
  async openParts(recorded: Recorded, pointer: string, sealed: SealedValue, paths: readonly Path[], bytesMax: number): Promise<Json | undefined> {
    if (sealed.blob === undefined) return this.open(recorded, pointer, sealed);
    const { value } = await this.#blobs.open(pointer, sealed.commitment, sealed.blob);
    const { found } = await scanInSlices(value, this.pause, partsWanted(paths));
    return partsAt(value, found, bytesMax);
  }

  async #openAll(recorded: Recorded): Promise<readonly OpenedPlace[]> {
    const stored = await this.#find(recorded);
    if (stored.sealed === null) return [];
    const places: OpenedPlace[] = [];
    let size = 0;
    for (const { keyId, ciphertext } of decodeSealed(stored.sealed)) {
      const plaintext = await this.#vault.open(keyId, recorded.id, ciphertext);
      size += plaintext.length;
      places.push(...decodePlaces(plaintext));
    }
    this.#opened.set(recorded.id, places, { size: memoryBytes(places, size) });
    return places;
  }

  async #find({ stream, revision }: Recorded): Promise<StoredEvent> {
    const page = await this.#store.readStream(stream as StreamName, { from: BigInt(revision), direction: 'forward', limit: 1 });
    const stored = page.kind === 'page' ? page.events[0] : undefined;
    if (stored === undefined) throw new Fault('STORE_DAMAGED', `revision ${revision} of ${stream} is gone`);
    return stored;
  }
}

/** What an entry of the cache takes in memory, about. Counted by its text alone, a cache of small values grew to several times its bound. */
function memoryBytes(places: readonly OpenedPlace[], textBytes: number): number {
  return ENTRY_BYTES + PLACE_BYTES * places.length + textBytes;
}
