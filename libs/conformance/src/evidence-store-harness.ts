import type { EvidenceRef, EvidenceStore } from '@maestro/ports';

/** An adapter, as the cases of evidence drive it. */
export type EvidenceStoreHarness = {
  readonly store: EvidenceStore;
  /** Closes the store and opens the same data again; an adapter that keeps nothing has none. */
  reopen?(): Promise<EvidenceStore>;
  /** Flips one bit of the stored bytes behind the store's back; an adapter without stored bytes has none. */
  damage?(ref: EvidenceRef): Promise<void>;
  dispose(): Promise<void>;
};
