/** A public key as verifiers name it. */
export type PublicKeyRef = {
  /** OpenSSH fingerprint `SHA256:<base64, no padding>`; it is the DSSE keyid */
  readonly keyId: string;
  /** DER SubjectPublicKeyInfo, base64 */
  readonly spki: string;
};

/** Signs an in-toto Statement as a Sigstore bundle v0.3 (DSSE, P-256/SHA-256). Fault: SIGNING_FAILED. */
export interface Signer {
  /** Canonical JSON bytes of the bundle. Signatures are randomised: two calls differ, both verify. */
  sign(statement: Uint8Array): Promise<Uint8Array>;
  readonly key: PublicKeyRef;
}
