import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { executionIdOf } from '../edge/found.ts';
import { asksFor } from '../http/exchange.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { optional, readFields, wholeNumber } from '../http/request-fields.ts';
import { Operation } from '../openapi/answers.ts';
import { text } from '../openapi/schema-parts.ts';
import { GetTaskLog } from '../queries/task-log-query.ts';

const ATTEMPTS_MAX = 1_000;
const JSON_TYPE = 'application/json';

@ApiTags('executions')
@Controller('api/executions')
export class TaskLogController {
  readonly #queries: QueryBus;

  constructor(@Inject(QueryBus) queries: QueryBus) {
    this.#queries = queries;
  }

  @Get(':id/tasks/:task/log')
  @Operation({
    id: 'getTaskLog',
    summary: 'What an attempt of a task printed and logged (stdout, stderr and ctx.log in order; at most 1 MiB, a cut is marked)',
    query: { attempt: { description: 'from 1; the latest unless told', schema: { type: 'integer', minimum: 1, maximum: ATTEMPTS_MAX } } },
    answers: { 200: { description: 'Plain text, or JSON by Accept', json: 'TaskLog', content: { 'text/plain': text } } },
    problems: [404, 409, 503],
  })
  async log(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') id: string, @Param('task') task: string): Promise<void> {
    const { attempt } = readFields(request.query, { attempt: optional(wholeNumber(1, ATTEMPTS_MAX), null) }, 'query');
    const { kind: _, ...log } = await this.#queries.execute(new GetTaskLog(executionIdOf(id), task, attempt));
    // sealed values are kept by nobody on the way
    reply.code(200).header('Vary', 'Accept').header('Cache-Control', 'no-store').header('Maestro-Attempt', String(log.attempt));
    if (asksFor(request, JSON_TYPE)) reply.header('content-type', `${JSON_TYPE}; charset=utf-8`).send(JSON.stringify(log));
    else reply.header('content-type', 'text/plain; charset=utf-8').send(log.text);
  }
}
