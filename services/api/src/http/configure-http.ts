import type { INestApplication } from '@nestjs/common';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { ApiDependencies } from '../api-dependencies.ts';
import { openApiDocument } from '../openapi/document.ts';
import { instanceOf } from './http-adapter.ts';
import type { HttpInstance } from './http-adapter.ts';
import { ProblemFilter } from './problem-filter.ts';
import { RouteTable } from './route-table.ts';

/**
 * What the application needs on top of its module, before it listens: problem documents for every error, request
 * metrics, Swagger UI at /docs and the document at /docs/openapi.json.
 */
export function configureHttp(app: INestApplication, { log, metrics }: Pick<ApiDependencies, 'log' | 'metrics'>): void {
  const instance = instanceOf(app.getHttpAdapter() as FastifyAdapter);
  const routes = new RouteTable();
  instance.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.add(one, url);
  });
  app.useGlobalFilters(new ProblemFilter(log, routes));
  observeRequests(instance, metrics);
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'docs/openapi.json',
    raw: ['json'],
    customSiteTitle: 'Maestro Conductor API',
  });
}

/** Counts by method and status only: a label must not grow with what clients send. */
function observeRequests(instance: HttpInstance, metrics: ApiDependencies['metrics']): void {
  instance.addHook('onResponse', (request, reply, done) => {
    metrics.count('http_requests_total', 1, { method: request.method, status: String(reply.statusCode) });
    if (reply.statusCode >= 500) metrics.count('http_5xx_total');
    done();
  });
}
