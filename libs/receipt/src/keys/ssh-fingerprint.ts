import { hash } from 'node:crypto';
import { decodeBase64 } from './dsse.ts';

// DER SubjectPublicKeyInfo of every uncompressed P-256 key: SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 },
// BIT STRING } up to the point itself (RFC 5480, section 2). Only the 65 bytes of the point differ.
const P256_SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const POINT_BYTES = 65;
const UNCOMPRESSED = 0x04;

/**
 * OpenSSH fingerprint `SHA256:<base64, no padding>` of a P-256 public key given as DER SubjectPublicKeyInfo in base64:
 * what `ssh-keygen -l` prints for the same key. Undefined when it is not such a key (other curve, compressed point).
 * It is the only key id that stock Sigstore verifiers accept in a DSSE envelope.
 */
export function openSSHFingerprint(spki: string): string | undefined {
  const der = decodeBase64(spki);
  if (der === undefined || der.length !== P256_SPKI_PREFIX.length + POINT_BYTES) return undefined;
  const point = der.subarray(P256_SPKI_PREFIX.length);
  if (!P256_SPKI_PREFIX.equals(der.subarray(0, P256_SPKI_PREFIX.length)) || point[0] !== UNCOMPRESSED) return undefined;
  const blob = Buffer.concat([sshString('ecdsa-sha2-nistp256'), sshString('nistp256'), sshString(point)]);
  return `SHA256:${hash('sha256', blob, 'base64').replace(/=+$/, '')}`;
}

// RFC 4251 `string`: uint32 length, big-endian, then the bytes.
function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
