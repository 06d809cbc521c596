import { Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { HttpRequest } from '../http/exchange.ts';
import { oneOf, optional, text } from '../http/request-fields.ts';
import { AUDIT_ACTIONS, RUN_STATUSES, STAGES } from '../openapi/list-schemas.ts';
import { SAMPLE_AUDIT, SAMPLE_DECISIONS, SAMPLE_EXECUTIONS, SAMPLE_READ_MODELS, SAMPLE_WORKFLOWS } from '../openapi/list-samples.ts';
import { Operation } from '../openapi/answers.ts';
import { GetReadModels, ListForbidden, ListRows, RebuildReadModels } from '../queries/list-queries.ts';
import { LABEL_QUERY, LIST_HEADERS, LIST_QUERY, flag, labels, readListQuery } from './list-query.ts';
import type { QueryPart } from './list-query.ts';

const workflowId = text('a workflow id: 3 to 64 of A-Z a-z 0-9 - _', /^[a-zA-Z0-9-_]{3,64}$/);
const prefix = text('the beginning of a workflow id', /^[a-zA-Z0-9-_]{1,64}$/);
const executionId = text('the id of a run', /^[0-9a-f-]{36}$/);
const subject = text('the id of a workflow or run', /^[a-zA-Z0-9-_]{1,64}$/);
const actor = text('an actor as in user:local', /^[\x21-\x7e]{1,128}$/);
const code = text('a code as in PII_KEY', /^[A-Z][A-Z0-9_]{0,63}$/);
const pack = text('the name of a policy pack', /^[a-z0-9-]{1,64}$/);
const SORTS = ['requestedAt', 'finishedAt', 'costMicroUsd'] as const;

const part = (description: string, schema: object): QueryPart[string] => ({ description, schema: { type: 'string', ...schema } });
const ofWorkflow = part('of this workflow', { pattern: '^[a-zA-Z0-9-_]{3,64}$' });
const byActor = part('asked for by', { pattern: '^[\\x21-\\x7e]{1,128}$' });
const LIST_PROBLEMS = [503];

/** Lists of the read models, and the read models themselves. */
@ApiTags('lists')
@Controller('api')
export class ListsController {
  readonly #queries: QueryBus;

  constructor(@Inject(QueryBus) queries: QueryBus) {
    this.#queries = queries;
  }

  @Get('executions')
  @Operation({
    id: 'listExecutions',
    summary: 'Runs, newest first; without an end or cost yet, they are left out where it is sorted by',
    query: {
      ...LIST_QUERY,
      ...LABEL_QUERY,
      workflow: ofWorkflow,
      status: part('in this status', { enum: RUN_STATUSES }),
      actor: byActor,
      sort: part('by', { enum: SORTS, default: 'requestedAt' }),
    },
    headers: LIST_HEADERS,
    answers: { 200: { description: 'One page', json: 'ExecutionList', example: SAMPLE_EXECUTIONS } },
    problems: LIST_PROBLEMS,
  })
  executions(@Req() request: HttpRequest): Promise<unknown> {
    const fields = { workflow: optional(workflowId, null), status: optional(oneOf(RUN_STATUSES), null), actor: optional(actor, null), label: labels, sort: optional(oneOf(SORTS), 'requestedAt' as const) };
    const { asked, own } = readListQuery(request, fields);
    return this.#queries.execute(new ListRows('execution', asked, { where: { workflowId: own.workflow, status: own.status, actor: own.actor }, tags: own.label, sort: own.sort }));
  }

  @Get('workflows')
  @Operation({
    id: 'listWorkflows',
    summary: 'Workflows, newest change first',
    query: { ...LIST_QUERY, ...LABEL_QUERY, prefix: part('how the id begins', { pattern: '^[a-zA-Z0-9-_]{1,64}$' }) },
    headers: LIST_HEADERS,
    answers: { 200: { description: 'One page', json: 'WorkflowList', example: SAMPLE_WORKFLOWS } },
    problems: LIST_PROBLEMS,
  })
  workflows(@Req() request: HttpRequest): Promise<unknown> {
    const { asked, own } = readListQuery(request, { label: labels, prefix: optional(prefix, null) });
    return this.#queries.execute(new ListRows('workflow', asked, { where: {}, tags: own.label, prefix: own.prefix === null ? null : own.prefix.toLowerCase() }));
  }

  @Get('decisions')
  @Operation({
    id: 'listDecisions',
    summary: 'What policy decided, newest first',
    query: {
      ...LIST_QUERY,
      execution: part('about this run', { pattern: '^[0-9a-f-]{36}$' }),
      workflow: ofWorkflow,
      stage: part('at this stage', { enum: STAGES }),
      allow: part('allowed, or denied', { enum: ['true', 'false'] }),
      code: part('with this violation, or denied for this reason', { pattern: '^[A-Z][A-Z0-9_]{0,63}$' }),
      pack: part('with this pack', { pattern: '^[a-z0-9-]{1,64}$' }),
    },
    headers: LIST_HEADERS,
    answers: { 200: { description: 'One page', json: 'DecisionList', example: SAMPLE_DECISIONS } },
    problems: LIST_PROBLEMS,
  })
  decisions(@Req() request: HttpRequest): Promise<unknown> {
    const { asked, own } = readListQuery(request, {
      execution: optional(executionId, null),
      workflow: optional(workflowId, null),
      stage: optional(oneOf(STAGES), null),
      allow: optional(flag, null),
      code: optional(code, null),
      pack: optional(pack, null),
    });
    const tags = [...(own.code === null ? [] : [`code:${own.code}`]), ...(own.pack === null ? [] : [`pack:${own.pack}`])];
    return this.#queries.execute(new ListRows('decision', asked, { where: { executionId: own.execution, workflowId: own.workflow, stage: own.stage, allow: own.allow }, tags }));
  }

  @Get('audit')
  @Operation({
    id: 'listAudit',
    summary: 'Who published, promoted, rolled back, cancelled, resumed or was denied, newest first',
    query: {
      ...LIST_QUERY,
      action: part('this action; `forbidden` answers commands of the last 7 days that their sender may not send: they left no event, so no other list holds them', { enum: AUDIT_ACTIONS }),
      actor: byActor,
      subject: part('about this workflow or run', { pattern: '^[a-zA-Z0-9-_]{1,64}$' }),
    },
    headers: LIST_HEADERS,
    answers: { 200: { description: 'One page', json: 'AuditList', example: SAMPLE_AUDIT } },
    problems: LIST_PROBLEMS,
  })
  audit(@Req() request: HttpRequest): Promise<unknown> {
    const { asked, own } = readListQuery(request, { action: optional(oneOf(AUDIT_ACTIONS), null), actor: optional(actor, null), subject: optional(subject, null) });
    if (own.action === 'forbidden') return this.#queries.execute(new ListForbidden(asked, { actor: own.actor, subject: own.subject }));
    return this.#queries.execute(new ListRows('audit', asked, { where: { action: own.action, actor: own.actor, subject: own.subject === null ? null : own.subject.toLowerCase() } }));
  }

  @Get('read-models')
  @Operation({
    id: 'getReadModels',
    summary: 'How far the read models are, and those that are being made beside them',
    answers: { 200: { description: 'Both sides', json: 'ReadModels', example: SAMPLE_READ_MODELS } },
    problems: LIST_PROBLEMS,
  })
  readModels(): Promise<unknown> {
    return this.#queries.execute(new GetReadModels());
  }

  @Post('read-models/rebuild')
  @HttpCode(202)
  @Operation({
    id: 'rebuildReadModels',
    summary: 'Make the read models anew from the events, while the old ones are served; asking again before it is done changes nothing',
    answers: { 202: { description: 'Asked for', json: 'ReadModels', example: SAMPLE_READ_MODELS } },
    problems: LIST_PROBLEMS,
  })
  rebuild(): Promise<unknown> {
    return this.#queries.execute(new RebuildReadModels());
  }
}
