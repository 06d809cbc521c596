import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli-error.ts';
import type { Session } from '../conductor/session.ts';
import { EXIT } from '../exit-codes.ts';
import { PROGRAM } from '../install-paths.ts';
import { answerErrorOf, isAnswerError } from './answer-error.ts';
import type { AnswerError } from './answer-error.ts';

/** A request; a `POST` gets an Idempotency-Key, so that repeating it after a broken connection does nothing twice. */
export type Ask = {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly accept?: string;
  readonly headers?: { readonly [name: string]: string };
  /** sent as JSON */
  readonly json?: unknown;
  readonly body?: { readonly type: string; readonly bytes: Uint8Array };
};

const REQUEST_TIMEOUT_MS = 60_000;
/** Connections that may break for one request before it is given up, and the wait after each. */
const TRIES_MAX = 4;
const RETRY_STEP_MS = 200;

/**
 * Asks a conductor. Throws AnswerError for a refusal; CliError CONDUCTOR_UNREACHABLE where the connection breaks again and
 * again; the signal's end as INTERRUPTED.
 */
export class RestClient {
  readonly #session: Session;
  readonly #signal: AbortSignal;

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  /** A JSON answer, trusted to have the shape of the contract. */
  json<T>(ask: Ask): Promise<T> {
    return this.#answered(ask, async (response) => (await response.json()) as T);
  }

  /** The exact bytes of an answer. */
  bytes(ask: Ask): Promise<Uint8Array> {
    return this.#answered(ask, async (response) => new Uint8Array(await response.arrayBuffer()));
  }

  /** An answer whose body is read as it comes, for as long as it comes. Undefined: there is nothing to read. */
  async stream(ask: Ask): Promise<ReadableStream<Uint8Array> | undefined> {
    const { status, body } = await this.#answered(ask, async (response) => response, { endless: true });
    return status === 204 || body === null ? undefined : body;
  }

  /** Looks for a conductor again; for whoever reads a stream that broke. */
  renew(): Promise<void> {
    return this.#session.renew();
  }

  /**
   * A1. A broken connection, also one that breaks within the answer, is followed by another look for a conductor.
   * A2. A refusal that may pass (429, 503) is asked again; any other is final.
   */
  async #answered<T>(ask: Ask, read: (response: Response) => Promise<T>, { endless = false } = {}): Promise<T> {
    const request = requestOf(ask);
    for (let attempt = 1; ; attempt++) {
      try {
        const signal = endless ? this.#signal : AbortSignal.any([this.#signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
        const { url, token } = this.#session;
        const response = await fetch(new URL(ask.path, url), { ...withToken(request, token), signal, redirect: 'error' });
        if (response.ok) return await read(response);
        throw await answerErrorOf(response);
      } catch (error) {
        this.throwIfInterrupted();
        const isRefusal = isAnswerError(error);
        if (isRefusal && (attempt >= TRIES_MAX || !isPassing(error))) throw error;
        if (attempt >= TRIES_MAX) throw unreachable(this.#session.url, error);
        await delay(RETRY_STEP_MS * attempt);
        if (!isRefusal) await this.#session.renew();
      }
    }
  }

  throwIfInterrupted(): void {
    if (this.#signal.aborted) throw new CliError(EXIT.interrupted, 'INTERRUPTED', 'interrupted');
  }
}

function isPassing({ status }: AnswerError): boolean {
  return status === 429 || status === 503;
}

function requestOf({ method = 'GET', accept = 'application/json', headers = {}, json, body }: Ask): RequestInit {
  const sent = json === undefined ? body : { type: 'application/json', bytes: new TextEncoder().encode(JSON.stringify(json)) };
  return {
    method,
    headers: {
      accept,
      ...headers,
      ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
      ...(sent === undefined ? {} : { 'content-type': sent.type }),
    },
    ...(sent === undefined ? {} : { body: sent.bytes as Uint8Array<ArrayBuffer> }),
  };
}

/** A token goes to the conductor of this session only: redirects are refused. */
function withToken(request: RequestInit, token: string | undefined): RequestInit {
  if (token === undefined) return request;
  return { ...request, headers: { ...(request.headers as { readonly [name: string]: string }), authorization: `Bearer ${token}` } };
}

function unreachable(url: string, cause: unknown): CliError {
  const why = (cause as { readonly cause?: { readonly code?: unknown } }).cause?.code ?? (cause as Error).name;
  return new CliError(
    EXIT.noConductor,
    'CONDUCTOR_UNREACHABLE',
    `the conductor at ${url} does not answer (${String(why)})`,
    [`${PROGRAM} up`],
    cause,
  );
}
