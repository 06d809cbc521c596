import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { executionIdOf } from '../edge/found.ts';
import { asksFor, isKnownTag } from '../http/exchange.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { Operation } from '../openapi/answers.ts';
import { anyObject } from '../openapi/schema-parts.ts';
import { GetReceipt, VerifyExecution } from '../queries/receipt-queries.ts';

/** Media type of a Sigstore bundle v0.3 as JSON. */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

@ApiTags('receipts')
@Controller('api/executions')
export class ReceiptsController {
  readonly #queries: QueryBus;

  constructor(@Inject(QueryBus) queries: QueryBus) {
    this.#queries = queries;
  }

  @Get(':id/receipt')
  @Operation({
    id: 'getReceipt',
    summary: 'Fetch the signed receipt',
    headers: { 'If-None-Match': 'entity tags that the caller holds' },
    answers: {
      200: { description: 'Receipt JSON, or the exact bundle by Accept', json: 'Receipt', content: { [BUNDLE_TYPE]: anyObject } },
      304: { description: 'The caller holds this bundle' },
    },
    problems: [404, 409, 503],
  })
  async receipt(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') text: string): Promise<void> {
    const { view, bundle, bundleDigest } = await this.#queries.execute(new GetReceipt(executionIdOf(text)));
    reply.header('Vary', 'Accept');
    if (!asksFor(request, BUNDLE_TYPE)) {
      // its states may still change, so the view has no tag
      reply.code(200).header('content-type', 'application/json; charset=utf-8').header('Cache-Control', 'no-cache').send(JSON.stringify(view));
      return;
    }
    const etag = `"sha256:${bundleDigest}"`;
    reply.header('ETag', etag).header('Cache-Control', 'no-cache');
    if (isKnownTag(request, etag)) reply.code(304).send('');
    else reply.code(200).header('content-type', BUNDLE_TYPE).send(Buffer.from(bundle));
  }

  @Get(':id/verify')
  @Operation({
    id: 'verifyExecution',
    summary: 'Run the verifier on the receipt and the whole history',
    answers: { 200: { description: 'The check table; 200 whatever it says', json: 'Verification' } },
    problems: [404, 409, 503],
  })
  verify(@Param('id') text: string): Promise<unknown> {
    return this.#queries.execute(new VerifyExecution(executionIdOf(text)));
  }
}
