import { readFileSync, writeFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Parts, openApi } from '../../fixtures/api.ts';
import { openApiDocument } from './document.ts';

const FILE = new URL('../../../../contracts/openapi.json', import.meta.url);

type Operation = { operationId: string; responses: { [status: string]: { content?: { [type: string]: { schema: { $ref?: string } } } } }; requestBody?: { content: { [type: string]: { schema?: object } } }; parameters?: object[] };
type Document = { openapi: string; paths: { [path: string]: { [method: string]: Operation } }; components: { schemas: { [name: string]: object } } };

/** Paths, operation ids and statuses that the first description of this API named. */
const PROMISED = [
  ['post', '/api/workflows', 'createWorkflow', ['201', '400']],
  ['post', '/api/workflows/{id}/publish', 'publishWorkflow', ['200', '409']],
  ['post', '/api/workflows/{id}/dry-run', 'dryRun', ['200']],
  ['post', '/api/executions', 'startExecution', ['202']],
  ['get', '/api/executions/{id}/receipt', 'getReceipt', ['200']],
] as const;

let app: NestFastifyApplication;
let document: Document;

beforeAll(async () => {
  app = await openApi(new Parts());
  document = JSON.parse(JSON.stringify(openApiDocument(app))) as Document;
});

afterAll(() => app.close());

const operations = (): Operation[] => Object.values(document.paths).flatMap((path) => Object.values(path));

describe('the OpenAPI document', () => {
  it('is the committed one (UPDATE_OPENAPI=1 writes it)', () => {
    const text = `${JSON.stringify(document, null, 2)}\n`;
    if (process.env['UPDATE_OPENAPI'] === '1') writeFileSync(FILE, text);

    expect(readFileSync(FILE, 'utf8')).toBe(text);
  });

  it.each(PROMISED)('keeps %s %s as %s with %j', (method, path, operationId, statuses) => {
    const operation = document.paths[path]?.[method];

    expect(operation?.operationId).toBe(operationId);
    expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining([...statuses]));
  });

  it('names each operation once', () => {
    const ids = operations().map(({ operationId }) => operationId);

    expect(new Set(ids).size).toBe(ids.length);
  });

  it('describes every error as a problem document', () => {
    for (const { operationId, responses } of operations()) {
      const failures = Object.entries(responses).filter(([status]) => Number(status) >= 400);
      const typed = failures.filter(([, { content }]) => content?.['application/problem+json'] !== undefined || content?.['application/json']?.schema.$ref === '#/components/schemas/Readiness');
      expect([operationId, typed.length]).toEqual([operationId, failures.length]);
    }
  });

  it('gives every body, in every type that is read, its schema', () => {
    const bodies = operations().flatMap(({ requestBody }) => (requestBody === undefined ? [] : [requestBody]));

    expect(bodies.length).toBeGreaterThan(3);
    for (const { content } of bodies) {
      expect(Object.keys(content).slice(0, 2)).toEqual(['application/json', 'application/yaml']);
      expect(Object.values(content).filter(({ schema }) => schema === undefined)).toEqual([]);
    }
  });

  it('refers to nothing that it does not define', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);

    expect(refs.length).toBeGreaterThan(50);
    expect(refs.filter((name) => name === undefined || !Object.hasOwn(document.components.schemas, name))).toEqual([]);
  });
});
