import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { ExecutionId } from '@maestro/domain';
import { executionIdOf } from '../edge/found.ts';
import { LiveTails } from '../edge/live-tails.ts';
import { headerOf } from '../http/exchange.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { negotiate } from '../http/negotiate.ts';
import { optional, readFields, wholeNumber } from '../http/request-fields.ts';
import { Operation } from '../openapi/answers.ts';
import { text } from '../openapi/schema-parts.ts';
import { problem } from '../problem/problem-error.ts';
import { GetEventLines, GetEvents } from '../queries/execution-queries.ts';

const PAGE_EVENTS_MAX = 200;
const PAGE_EVENTS = 100;
const EVENT_STREAM = 'text/event-stream';
/** The stored bytes, a line each: `events.jsonl` of a receipt set. */
const LINES = 'application/x-ndjson';

@ApiTags('executions')
@Controller('api/executions')
export class EventsController {
  readonly #queries: QueryBus;
  readonly #tails: LiveTails;

  constructor(@Inject(QueryBus) queries: QueryBus, @Inject(LiveTails) tails: LiveTails) {
    this.#queries = queries;
    this.#tails = tails;
  }

  @Get(':id/events')
  @Operation({
    id: 'getEvents',
    summary: 'History of a run by Accept: pages, all stored lines, or a live tail of server-sent events',
    query: {
      from: { description: 'first revision', schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 } },
      limit: { description: 'events of a page at most; of pages only', schema: { type: 'integer', minimum: 1, maximum: PAGE_EVENTS_MAX, default: PAGE_EVENTS } },
    },
    headers: { 'Last-Event-ID': 'revision that a live tail goes on after' },
    answers: {
      200: { description: 'A page; every line up to now; or a tail that ends after the terminal event', json: 'History', content: { [LINES]: text, [EVENT_STREAM]: text } },
      204: { description: 'The run has ended and the tail has nothing left to send' },
    },
    problems: [404, 406, 503],
  })
  async events(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') text: string): Promise<void> {
    const id = executionIdOf(text);
    const fields = { from: optional(wholeNumber(0, Number.MAX_SAFE_INTEGER), 0), limit: optional(wholeNumber(1, PAGE_EVENTS_MAX), PAGE_EVENTS) };
    const { from, limit } = readFields(request.query, fields, 'query');
    const resumed = resumeFrom(request, from);
    reply.header('Vary', 'Accept');
    switch (negotiate(request, ['application/json', LINES, EVENT_STREAM])) {
      case 'application/json':
        reply.code(200).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(await this.#queries.execute(new GetEvents(id, from, limit))));
        return;
      case LINES:
        reply.code(200).header('content-type', LINES).send(Readable.from(await this.#queries.execute(new GetEventLines(id, from))));
        return;
      case EVENT_STREAM:
        await this.#tail(reply, id, resumed);
    }
  }

  async #tail(reply: HttpReply, id: ExecutionId, from: number): Promise<void> {
    const tail = await this.#tails.open(id, from, (leave) => reply.raw.once('close', leave));
    if (tail === null) reply.code(204).send('');
    else reply.code(200).header('content-type', EVENT_STREAM).header('Cache-Control', 'no-store').header('X-Accel-Buffering', 'no').send(tail);
  }
}

/** A client that was cut names the last event that it saw. */
function resumeFrom(request: HttpRequest, from: number): number {
  const seen = headerOf(request, 'last-event-id');
  if (seen === undefined) return from;
  if (!/^\d{1,15}$/.test(seen)) throw problem('REQUEST_INVALID', 'Last-Event-ID is the revision of an event');
  return Number(seen) + 1;
}
