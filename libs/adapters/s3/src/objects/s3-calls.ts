import { S3Client } from '@aws-sdk/client-s3';
import type { S3Settings } from '../settings.ts';
import { s3Fault } from './s3-fault.ts';
import { TransferGate } from './transfer-gate.ts';

/**
 * Requests to one bucket: bounded in number, bytes and time, repeated by the SDK's own rules, with coded faults.
 * The SDK checks nothing of what it reads: whoever reads compares the digest.
 */
export class S3Calls {
  readonly bucket: string;
  readonly #client: S3Client;
  readonly #gate: TransferGate;
  readonly #prefix: string;
  readonly #callTimeoutMs: number;

  constructor(settings: S3Settings) {
    this.bucket = settings.bucket;
    this.#prefix = settings.prefix;
    this.#callTimeoutMs = settings.callTimeoutMs;
    this.#gate = new TransferGate(settings.requestsMax, settings.transferBytesMax);
    this.#client = clientOf(settings);
  }

  /** The whole name of an object in the bucket. */
  keyOf(name: string): string {
    return `${this.#prefix}${name}`;
  }
  /** Undefined: not under this store's prefix. */
  nameOf(key: string | undefined): string | undefined {
    return key?.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : undefined;
  }

  /**
   * One request with its tries, body included. `bytes` is the size of its body, either way. `signal` ends it.
   * Faults: S3_UNAVAILABLE, S3_DENIED, S3_MISCONFIGURED.
   */
  async call<T>(doing: string, bytes: number, work: (client: S3Client, o: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return this.#gate.run(bytes, async () => {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), this.#callTimeoutMs);
      try {
        return await work(this.#client, { abortSignal: abort.signal });
      } catch (error) {
        const late = abort.signal.aborted ? ` within ${this.#callTimeoutMs} ms` : '';
        throw s3Fault(error, `${doing}${late}`);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  close(): void {
    this.#client.destroy();
  }
}

function clientOf(s: S3Settings): S3Client {
  const agent = { keepAlive: true, maxSockets: s.requestsMax };
  return new S3Client({
    region: s.region,
    forcePathStyle: s.forcePathStyle,
    ...(s.endpoint === null ? {} : { endpoint: s.endpoint }),
    ...(s.credentials === null ? {} : { credentials: s.credentials }),
    maxAttempts: s.attemptsMax,
    retryMode: 'standard',
    followRegionRedirects: false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: s.connectTimeoutMs,
      requestTimeout: s.attemptTimeoutMs,
      // without it the SDK only warns when the time is over
      throwOnRequestTimeout: true,
      socketTimeout: s.attemptTimeoutMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
