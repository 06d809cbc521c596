/** Where stored bytes are found again. Public and permanent: it is written into `receipt.signed`. */
export type EvidenceRef = {
  /** 64 hex: SHA-256 of the bytes */
  readonly digest: string;
  /** adapter's own address (`pack:000001:4096:812`, `file:receipts/…`, an S3 key with its VersionId) */
  readonly location: string;
};
export type EvidenceHead = {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly held: boolean;
  /** as the put asked for; null: it asked for nothing. A store with a retention of its own keeps the bytes for longer. */
  readonly retainUntil: string | null;
};
export type EvidenceItem = {
  /** content address chosen by the caller, `[a-z0-9/._-]+`; one writer per key */
  readonly key: string;
  /** not changed by the caller until the put has answered */
  readonly bytes: Uint8Array;
  /** RFC 3339; the store refuses to drop the bytes before */
  readonly retainUntil?: string;
};

/**
 * Write-once storage. A put that answered is durable. The same key and bytes again answers as before;
 * other bytes under a used key: EVIDENCE_EXISTS. Bytes are checked against their digest on every get.
 * Faults: EVIDENCE_EXISTS, EVIDENCE_MISSING, EVIDENCE_DAMAGED, STORE_CLOSED, STORE_READ_ONLY; behind a server also what says
 * that it cannot be used (S3_UNAVAILABLE, S3_DENIED, S3_MISCONFIGURED).
 */
export interface EvidenceStore {
  put(item: EvidenceItem): Promise<EvidenceRef>;
  /** One durable write for all; refs in order. All or nothing as far as callers can see. */
  putMany(items: readonly EvidenceItem[]): Promise<readonly EvidenceRef[]>;
  get(ref: EvidenceRef): Promise<Uint8Array>;
  /**
   * Where the bytes of a key lie; null: nothing is known under it. What `put` stored is always found; of what `putMany` stored,
   * the keys that this adapter remembers.
   */
  find(key: string): Promise<EvidenceRef | null>;
  /** null: nothing there */
  head(ref: EvidenceRef): Promise<EvidenceHead | null>;
  /** Legal hold on or off; idempotent. */
  hold(ref: EvidenceRef, on: boolean): Promise<void>;
  close(): Promise<void>;
}
