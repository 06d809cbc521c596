import { anyObject, described, digest, flag, list, nullable, object, oneOfValues, position, ref, request, text, time, whole } from './schema-parts.ts';
import type { SchemaPart } from './schema-parts.ts';

const item = object({ pointer: described(text, 'RFC 6901'), code: text, message: text, line: whole, column: whole }, { optional: ['line', 'column'] });

const checkTable = {
  rows: list(object({ check: whole, name: text, status: oneOfValues('passed', 'failed', 'not-checked'), code: nullable(text), meaning: text, whatToDo: text })),
  verdict: described(text, 'VERIFIED, or the class of the first failure'),
  exitCode: described(whole, '0, or the number of the first check that failed'),
};

const policySet = object({
  setDigest: described(text, '64 hex'),
  wasmDigest: text,
  dataDigest: text,
  engine: text,
  entrypoints: object({ publish: text, start: text, task: text }),
  packs: list(object({ name: text, packDigest: text, stages: described(list(text), 'where its answer must not be missing') })),
  activeSince: described(nullable(time), 'when new runs were pinned to it, for the latest time; null: never yet'),
});

/** Components that answers about receipts, keys, policies and commands refer to, and problems. */
export const receiptSchemas: { readonly [name: string]: SchemaPart } = {
  ProblemItem: item,
  Problem: {
    ...object(
      {
        type: text,
        title: text,
        status: whole,
        code: described(text, 'stable; see docs/errors.md'),
        detail: described(text, 'what was expected, what came, what to do'),
        instance: described(text, 'urn:uuid of the request; the log names it too'),
        errors: list(item),
        errorsOmitted: whole,
      },
      { optional: ['errors', 'errorsOmitted'], description: 'RFC 9457' },
    ),
    additionalProperties: true,
  },
  Receipt: {
    ...object({
      executionId: text,
      startedAt: nullable(time),
      finishedAt: time,
      steps: list(anyObject),
      digests: anyObject,
      policyDecisions: list(anyObject),
      signature: described(text, 'base64 of the DSSE signature; the bundle carries what it covers'),
      schema: { const: 'receipt.v1' },
      verdict: text,
      workflow: anyObject,
      stream: anyObject,
      environment: nullable(anyObject),
      cost: anyObject,
      links: anyObject,
      keyId: text,
      bundleDigest: digest,
      signedAt: time,
      states: object({ signed: { const: true }, logged: flag, witnessed: flag }),
    }),
    additionalProperties: true,
    externalDocs: { url: '/schemas/receipt.v1.json' },
  },
  Verification: object({ executionId: text, ...checkTable }),
  SetVerification: object(checkTable),
  VerifyRequest: request(
    {
      files: {
        type: 'object',
        maxProperties: 64,
        additionalProperties: { type: 'string', pattern: '^[A-Za-z0-9+/]*={0,2}$' },
        description: 'name → base64; events.jsonl, receipt.json, receipt.sigstore.json, manifest.json and key.pub are read',
      },
    },
    {},
  ),
  KeyList: object({
    keys: list(object({ keyId: text, spki: text, pem: text, notBefore: nullable(time), notAfter: nullable(time), revokedAt: nullable(time) })),
    registry: described({}, 'the signed registry, a DSSE envelope'),
  }),
  PolicySet: policySet,
  PolicyList: object({ active: ref('PolicySet'), sets: list(ref('PolicySet')), activations: described(list(object({ setDigest: text, since: time })), 'which set was active from when on, oldest first') }),
  Command: object({
    commandId: text,
    type: text,
    state: oneOfValues('accepted', 'refused'),
    at: time,
    position: nullable(position),
    result: nullable(anyObject),
    rejection: nullable(anyObject),
    outcome: described(nullable(anyObject), 'of a publication: what policy made of it by now'),
  }),
  Readiness: object({ ready: flag, checks: list(object({ name: text, ok: flag, detail: text })) }),
};
