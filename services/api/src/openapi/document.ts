import { readFileSync } from 'node:fs';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { schemasUrl } from '@maestro/contracts';
import { tokenOf } from '../api-dependencies.ts';
import type { ApiSettings } from '../settings.ts';
import { executionSchemas } from './execution-schemas.ts';
import { listSchemas } from './list-schemas.ts';
import { receiptSchemas } from './receipt-schemas.ts';
import { workflowSchemas } from './workflow-schemas.ts';

const DESCRIPTION = [
  'Runs workflow manifests under policy, keeps every fact as an immutable event, and gives every run a signed receipt.',
  'Errors are RFC 9457 problem documents with a stable `code`. Command answers carry `position`; pass it to a list to read what you wrote.',
].join('\n\n');

/** The OpenAPI 3.1 document of this API, made from its controllers. The same for every deployment of one release. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const { version } = app.get<ApiSettings>(tokenOf('settings'));
  const config = new DocumentBuilder().setOpenAPIVersion('3.1.0').setTitle('Maestro Conductor API').setDescription(DESCRIPTION).setVersion(version).addBearerAuth({ type: 'http', scheme: 'bearer', description: 'only where the server was started with a token' }, 'token').build();
  const document = SwaggerModule.createDocument(app, config);
  const schemas = { Workflow: manifestSchema(), ...workflowSchemas, ...executionSchemas, ...listSchemas, ...receiptSchemas };
  return { ...document, security: [{}, { token: [] }], components: { ...document.components, schemas: schemas as NonNullable<OpenAPIObject['components']>['schemas'] & object } };
}

/** The manifest's own schema, without what names it as a document of its own. */
function manifestSchema(): object {
  const file = JSON.parse(readFileSync(new URL('manifest.v1.json', schemasUrl), 'utf8')) as { readonly [key: string]: unknown };
  const { $schema: _schema, $id: _id, ...schema } = file;
  return { ...schema, externalDocs: { url: '/schemas/manifest.v1.json' } };
}
