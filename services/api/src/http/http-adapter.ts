import { randomUUID } from 'node:crypto';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ArchiveBody } from '../archive/archive-body.ts';
import { TAR_TYPE } from '../archive/ustar.ts';
import { problem } from '../problem/problem-error.ts';
import { PROBLEM_TYPE, problemDocument } from '../problem/problem-document.ts';
import type { ApiSettings } from '../settings.ts';
import { JSON_TYPES, YAML_TYPES, parseBody } from './body-parser.ts';
import type { HttpReply, HttpRequest } from './exchange.ts';
import { refuseStranger } from './host-guard.ts';
import { refuseTokenless } from './token-guard.ts';

const PARAMETER_LENGTH_MAX = 200;

/** Fastify for Nest, with the body parsers of this API only: nothing else is ever parsed. */
class ApiHttpAdapter extends FastifyAdapter {
  override registerParserMiddleware(): void {
    // Nest's own parsers accept duplicate keys and form bodies
  }
}

/**
 * The HTTP server of the API role, before Nest gets it: body limit, parsers, request ids, the guard against foreign
 * hosts and origins. What the router refuses by itself (a path that is no URL) is a problem document as well.
 */
export function createHttpAdapter(settings: ApiSettings): FastifyAdapter {
  const adapter = new ApiHttpAdapter({
    bodyLimit: settings.bodyBytesMax,
    requestTimeout: settings.requestTimeoutMs,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    frameworkErrors: (_error: unknown, { id }: Pick<HttpRequest, 'id'>, reply: unknown) => refuseUrl(id, reply as HttpReply),
  });
  const instance = instanceOf(adapter);
  instance.removeAllContentTypeParsers();
  for (const [format, types] of [['json', JSON_TYPES], ['yaml', YAML_TYPES]] as const) {
    instance.addContentTypeParser([...types], { parseAs: 'buffer' }, (_request, body, done) => {
      try {
        done(null, parseBody(format, body as Buffer, settings.yamlBytesMax));
      } catch (error) {
        done(error as Error);
      }
    });
  }
  instance.addContentTypeParser(TAR_TYPE, { parseAs: 'buffer' }, (_request, body, done) => done(null, new ArchiveBody(body as Buffer)));
  instance.addHook('onRequest', (request, reply, done) => {
    void reply.header('Maestro-Request-Id', request.id).header('X-Content-Type-Options', 'nosniff');
    void reply.header('Content-Security-Policy', "frame-ancestors 'none'");
    done(refuseStranger(request, settings) ?? refuseTokenless(request, settings.token));
  });
  return adapter;
}

function refuseUrl(requestId: string, reply: HttpReply): void {
  const refusal = problem('REQUEST_MALFORMED', 'the path cannot be decoded, or a part of it is too long');
  reply.code(refusal.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problemDocument(refusal, requestId)));
}

/** The server behind an adapter, with its types. */
export function instanceOf(adapter: FastifyAdapter) {
  return adapter.getInstance();
}

export type HttpInstance = ReturnType<typeof instanceOf>;
