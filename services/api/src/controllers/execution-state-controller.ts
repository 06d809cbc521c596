import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { tokenOf } from '../api-dependencies.ts';
import { executionIdOf } from '../edge/found.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { AT_QUERY, moment } from '../http/moment.ts';
import { optional, readFields } from '../http/request-fields.ts';
import { sendTagged } from '../http/tagged-answer.ts';
import { NOT_MODIFIED, Operation, TAG_HEADERS } from '../openapi/answers.ts';
import { GetExecution, GetGraph } from '../queries/execution-queries.ts';
import type { ApiSettings } from '../settings.ts';

/** What a run is, or was: folded from its history, never older than the store. */
@ApiTags('executions')
@Controller('api/executions')
export class ExecutionStateController {
  readonly #queries: QueryBus;
  readonly #release: string;

  constructor(@Inject(QueryBus) queries: QueryBus, @Inject(tokenOf('settings')) { version }: ApiSettings) {
    this.#queries = queries;
    this.#release = version;
  }

  @Get(':id')
  @Operation({
    id: 'getExecution',
    summary: 'A run as it is now, or as it was, folded from its history',
    query: AT_QUERY,
    headers: TAG_HEADERS,
    answers: { 200: { description: 'Status, tasks, verdict', json: 'Execution' }, ...NOT_MODIFIED },
    problems: [404, 503],
  })
  async get(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') id: string): Promise<void> {
    const view = await this.#queries.execute(new GetExecution(executionIdOf(id), momentOf(request)));
    sendTagged(request, reply, view, { state: `r${view.revision}`, release: this.#release });
  }

  @Get(':id/graph')
  @Operation({
    id: 'getExecutionGraph',
    summary: 'Nodes and edges of a run with their states, for drawing',
    query: AT_QUERY,
    headers: TAG_HEADERS,
    answers: { 200: { description: 'Nodes in the order of the manifest', json: 'ExecutionGraph' }, ...NOT_MODIFIED },
    problems: [404, 503],
  })
  async graph(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') id: string): Promise<void> {
    const graph = await this.#queries.execute(new GetGraph(executionIdOf(id), momentOf(request)));
    sendTagged(request, reply, graph, { state: `r${graph.revision}`, release: this.#release });
  }
}

function momentOf(request: HttpRequest) {
  return readFields(request.query, { at: optional(moment, null) }, 'query').at;
}
