import { REQUEST_MAX_MS } from './http-exchange.ts';
import { BODY_MAX_BYTES, HEADERS_SCHEMA } from './message-parts.ts';

const scalar = { type: ['string', 'number', 'boolean'], maxLength: 8192 } as const;

/** JSON Schema of the input of `pkg:http/request`. */
export const inputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: {
    url: { type: 'string', minLength: 1, maxLength: 8192 },
    method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'], default: 'GET' },
    headers: HEADERS_SCHEMA,
    query: {
      type: 'object',
      maxProperties: 50,
      additionalProperties: { anyOf: [scalar, { type: 'array', maxItems: 50, items: scalar }] },
    },
    json: { description: 'body, any JSON value' },
    text: { type: 'string', description: 'body as it is; its type is text/plain unless headers say otherwise' },
    idempotent: { type: 'boolean', description: 'the server honours Idempotency-Key: a POST or PATCH in doubt is tried again' },
    expectStatus: { type: 'array', minItems: 1, maxItems: 20, items: { type: 'integer', minimum: 200, maximum: 599 } },
    maxBytes: { type: 'integer', minimum: 1, maximum: BODY_MAX_BYTES, default: BODY_MAX_BYTES },
    timeoutMs: { type: 'integer', minimum: 1, maximum: REQUEST_MAX_MS, default: REQUEST_MAX_MS },
    as: { enum: ['text', 'json'], default: 'text' },
  },
  not: { required: ['json', 'text'] },
} as const;

/** Of its output. Only the status is public: a length or a digest would tell of a value that is sealed. */
export const outputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['status', 'headers', 'body'],
  properties: {
    status: { type: 'integer', 'x-public': true },
    headers: { type: 'object', additionalProperties: { type: 'string' }, description: 'names in lower case' },
    body: { description: 'text, or the JSON value; null where JSON was asked for and nothing came' },
  },
} as const;
