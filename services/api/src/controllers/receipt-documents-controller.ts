import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { BUNDLE_MEDIA_TYPE } from '@maestro/receipt';
import { uploadedFiles } from '../archive/uploaded-set.ts';
import { TAR_TYPE } from '../archive/ustar.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { sendTaggedBytes } from '../http/tagged-answer.ts';
import { NOT_MODIFIED, Operation, TAG_HEADERS } from '../openapi/answers.ts';
import { anyObject, binary } from '../openapi/schema-parts.ts';
import { GetReceiptDocument, VerifyFiles } from '../queries/receipt-queries.ts';

/** RFC 8785 bytes of an in-toto Statement, unsigned: the payload that a bundle signs. */
const STATEMENT_TYPE = 'application/vnd.in-toto+json';
const TYPES = { bundle: BUNDLE_MEDIA_TYPE, statement: STATEMENT_TYPE, receipt: 'application/json' } as const;

/** Receipts by what they are, wherever they come from. */
@ApiTags('receipts')
@Controller('api/receipts')
export class ReceiptDocumentsController {
  readonly #queries: QueryBus;

  constructor(@Inject(QueryBus) queries: QueryBus) {
    this.#queries = queries;
  }

  @Get(':digest')
  @Operation({
    id: 'getReceiptDocument',
    summary: 'A bundle, statement or receipt.json by the SHA-256 of its bytes, with or without `sha256:`',
    headers: TAG_HEADERS,
    answers: { 200: { description: 'The exact bytes; Link names the run', content: { 'application/json': anyObject, [BUNDLE_MEDIA_TYPE]: anyObject, [STATEMENT_TYPE]: anyObject } }, ...NOT_MODIFIED },
    problems: [404, 503],
  })
  async document(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('digest') text: string): Promise<void> {
    const { document, executionId, digest, bytes } = await this.#queries.execute(new GetReceiptDocument(text));
    reply.header('Link', `</api/executions/${executionId}/receipt>; rel="describedby"`);
    sendTaggedBytes(request, reply, { bytes, digest, type: TYPES[document], cache: 'private, max-age=31536000, immutable' });
  }

  @Post('verify')
  @HttpCode(200)
  @Operation({
    id: 'verifyReceiptSet',
    summary: 'Run the verifier on a set that is sent, by the keys of this deployment; nothing is kept',
    body: { json: 'VerifyRequest', required: true, example: { files: { 'receipt.json': 'e30=' } }, content: { [TAR_TYPE]: binary } },
    answers: { 200: { description: 'The check table; 200 whatever it says', json: 'SetVerification' } },
    problems: [413, 415],
  })
  verify(@Body() body: unknown): Promise<unknown> {
    return this.#queries.execute(new VerifyFiles(uploadedFiles(body)));
  }
}
