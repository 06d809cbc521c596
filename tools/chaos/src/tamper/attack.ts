import type { FailureClass } from '@maestro/receipt';
import type { ProvingFile, TamperWorld } from './real-sets.ts';

/** What an attack leaves in the folder. A function makes a file by itself, such as a link; null: the file is gone. */
export type AttackedFile = Uint8Array | null | ((path: string) => Promise<void>);

/** What whoever verifies brings. `own`: the key that lies in the set, given as if it were trusted; `both`: the stranger's, too. */
export type TrustGiven = 'signer' | 'both' | 'own' | 'none';

/** A set as an attacker leaves it: files that are not named are those of the run. */
export type AttackedSet = {
  readonly files?: { readonly [file in ProvingFile]?: AttackedFile };
  /** replaces the genuine key in the set */
  readonly ownKey?: string;
  readonly readme?: string;
  readonly trust?: TrustGiven;
  /** the verifying side does not say which run it expects */
  readonly isAnyRun?: boolean;
};

/** One way to deceive whoever verifies. */
export type Attack = {
  readonly name: string;
  /** the class that is right; `VERIFIED`: nothing that is relied on was changed, so nothing may be said */
  readonly right: FailureClass | 'VERIFIED';
  /** cosign and the digests of the statement are enough to see it: bytes that were signed are other ones */
  readonly isSeenByCosign?: boolean;
  readonly make: (world: TamperWorld) => AttackedSet;
};

/** Text with one part replaced, as bytes. Throws where the part is not there: the attack would change nothing. */
export function replaced(bytes: Buffer, part: string, by: string): Buffer {
  const text = bytes.toString('utf8');
  if (!text.includes(part)) throw new Error(`the set does not hold ${part}`);
  return Buffer.from(text.replace(part, by));
}
