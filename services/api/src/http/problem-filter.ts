import { Catch } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { Log } from '@maestro/ports';
import { PROBLEM_TYPE, problemDocument } from '../problem/problem-document.ts';
import { ProblemError, foreseen, problem, rejected } from '../problem/problem-error.ts';
import type { HttpReply, HttpRequest } from './exchange.ts';
import type { RouteTable } from './route-table.ts';

type Foreign = { readonly code?: unknown; readonly status?: unknown; readonly statusCode?: unknown; readonly message?: unknown; readonly cause?: unknown };

/** Answers every error of every route, and of no route, with one problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log: Log;
  readonly #routes: RouteTable;

  constructor(log: Log, routes: RouteTable) {
    this.#log = log;
    this.#routes = routes;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const refusal = this.#refusalOf(error, request);
    if (refusal.status >= 500) this.#log.log('error', 'a request failed', { requestId: request.id, method: request.method, code: refusal.code, error });
    const reply = http.getResponse<HttpReply>();
    for (const [name, value] of Object.entries(refusal.headers)) reply.header(name, value);
    reply.code(refusal.status).header('content-type', PROBLEM_TYPE).header('Cache-Control', 'no-store');
    reply.send(JSON.stringify(problemDocument(refusal, request.id)));
  }

  #refusalOf(error: unknown, request: HttpRequest): ProblemError {
    return foreseen(error) ?? this.#refusalOfFramework(error as Foreign, request) ?? bug(request);
  }

  /** What Fastify and Nest throw by themselves; Nest wraps the former. */
  #refusalOfFramework(error: Foreign, request: HttpRequest): ProblemError | undefined {
    const cause = (error.cause ?? error) as Foreign;
    const status = error.status ?? error.statusCode;
    if (typeof status !== 'number') return undefined;
    // a method that is not offered is told as such, whatever else the framework has against the request
    if (status === 404 || !this.#isOffered(request)) return this.#noRoute(request);
    switch (cause.code) {
      case 'FST_ERR_CTP_BODY_TOO_LARGE':
        return problem('BODY_TOO_LARGE', 'the body is larger than this server accepts');
      case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
        return problem('UNSUPPORTED_MEDIA_TYPE', 'send application/json or application/yaml, and say so in Content-Type');
    }
    return status >= 400 && status < 500 ? problem('REQUEST_MALFORMED', String(cause.message)) : undefined;
  }

  #isOffered({ url, method }: HttpRequest): boolean {
    return this.#routes.methodsOf(pathOf(url)).includes(method);
  }

  #noRoute({ url, method }: HttpRequest): ProblemError {
    const allowed = this.#routes.methodsOf(pathOf(url));
    if (allowed.length === 0) return problem('ROUTE_NOT_FOUND', 'nothing is served here; /docs lists what is');
    return problem('METHOD_NOT_ALLOWED', `${method} is not offered here`, { headers: { Allow: allowed.join(', ') } });
  }
}

function pathOf(url: string): string {
  return url.split('?')[0] ?? '';
}

function bug({ id }: HttpRequest): ProblemError {
  return rejected({ code: 'BUG', detail: `the server met a bug; the request may not have been carried out. Its log names it by ${id}` });
}
