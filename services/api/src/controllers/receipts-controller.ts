import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { BUNDLE_MEDIA_TYPE } from '@maestro/receipt';
import { tokenOf } from '../api-dependencies.ts';
import { TAR_TYPE } from '../archive/ustar.ts';
import { executionIdOf } from '../edge/found.ts';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { negotiate } from '../http/negotiate.ts';
import { sendTagged, sendTaggedBytes } from '../http/tagged-answer.ts';
import { NOT_MODIFIED, Operation, TAG_HEADERS } from '../openapi/answers.ts';
import { anyObject, binary } from '../openapi/schema-parts.ts';
import { GetEvidence, GetReceipt, VerifyExecution } from '../queries/receipt-queries.ts';
import type { ApiSettings } from '../settings.ts';

/** The receipt of a run: the view, the proof, and the whole set. */
@ApiTags('receipts')
@Controller('api/executions')
export class ReceiptsController {
  readonly #queries: QueryBus;
  readonly #release: string;

  constructor(@Inject(QueryBus) queries: QueryBus, @Inject(tokenOf('settings')) { version }: ApiSettings) {
    this.#queries = queries;
    this.#release = version;
  }

  @Get(':id/receipt')
  @Operation({
    id: 'getReceipt',
    summary: 'Fetch the signed receipt',
    headers: TAG_HEADERS,
    answers: { 200: { description: 'Receipt JSON, or the exact bundle by Accept', json: 'Receipt', content: { [BUNDLE_MEDIA_TYPE]: anyObject } }, ...NOT_MODIFIED },
    problems: [404, 406, 409, 503],
  })
  async receipt(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') text: string): Promise<void> {
    const type = negotiate(request, ['application/json', BUNDLE_MEDIA_TYPE]);
    const { view, bundle, bundleDigest, revision } = await this.#queries.execute(new GetReceipt(executionIdOf(text)));
    reply.header('Vary', 'Accept');
    // the view says how far the receipt has come, so it changes where the bundle does not
    if (type === 'application/json') sendTagged(request, reply, view, { state: `${bundleDigest.slice(0, 16)}.r${revision}`, release: this.#release });
    else sendTaggedBytes(request, reply, { bytes: bundle, digest: bundleDigest, type, cache: 'private, no-cache' });
  }

  @Get(':id/receipt/evidence')
  @Operation({
    id: 'getEvidence',
    summary: 'The whole receipt set as one archive: what `maestro export` writes, for anybody to verify offline',
    headers: TAG_HEADERS,
    answers: { 200: { description: 'A tar archive of one folder', content: { [TAR_TYPE]: binary } }, ...NOT_MODIFIED },
    problems: [404, 406, 409, 503],
  })
  async evidence(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('id') text: string): Promise<void> {
    negotiate(request, [TAR_TYPE]);
    const { name, bytes } = await this.#queries.execute(new GetEvidence(executionIdOf(text)));
    reply.header('Content-Disposition', `attachment; filename="${name}"`);
    sendTaggedBytes(request, reply, { bytes, type: TAR_TYPE, cache: 'private, no-cache' });
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
