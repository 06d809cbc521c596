import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { tokenOf } from '../api-dependencies.ts';
import type { ApiMetrics, ReadinessRow } from '../api-dependencies.ts';
import type { HttpReply } from '../http/exchange.ts';
import { Operation } from '../openapi/answers.ts';
import { text } from '../openapi/schema-parts.ts';

/** For probes and scrapers; touches no aggregate. */
@ApiTags('operations')
@Controller()
export class OperationsController {
  readonly #readiness: () => Promise<readonly ReadinessRow[]>;
  readonly #metrics: ApiMetrics;

  constructor(@Inject(tokenOf('readiness')) readiness: () => Promise<readonly ReadinessRow[]>, @Inject(tokenOf('metrics')) metrics: ApiMetrics) {
    this.#readiness = readiness;
    this.#metrics = metrics;
  }

  @Get('healthz')
  @Operation({ id: 'health', summary: 'The process answers', answers: { 200: { description: 'ok', content: { 'text/plain': text } } } })
  health(@Res() reply: HttpReply): void {
    reply.code(200).header('content-type', 'text/plain; charset=utf-8').header('Cache-Control', 'no-store').send('ok');
  }

  @Get('readyz')
  @Operation({ id: 'readiness', summary: 'Every dependency can be used', answers: { 200: { description: 'Ready', json: 'Readiness' }, 503: { description: 'Not ready; the checks say why', json: 'Readiness' } } })
  async ready(@Res() reply: HttpReply): Promise<void> {
    const checks = await this.#readiness();
    const ready = checks.every(({ ok }) => ok);
    reply.code(ready ? 200 : 503).header('content-type', 'application/json; charset=utf-8').header('Cache-Control', 'no-store');
    reply.send(JSON.stringify({ ready, checks }));
  }

  @Get('metrics')
  @Operation({ id: 'metrics', summary: 'Prometheus text', answers: { 200: { description: 'Metrics of this process', content: { 'text/plain': text } } } })
  async metrics(@Res() reply: HttpReply): Promise<void> {
    reply.code(200).header('content-type', this.#metrics.contentType).send(await this.#metrics.text());
  }
}
