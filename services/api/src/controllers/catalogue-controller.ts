import { Controller, Get, Inject, Param } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Operation } from '../openapi/answers.ts';
import { GetCommand, GetKeys, GetPolicies } from '../queries/catalogue-queries.ts';

@ApiTags('catalogue')
@Controller('api')
export class CatalogueController {
  readonly #queries: QueryBus;

  constructor(@Inject(QueryBus) queries: QueryBus) {
    this.#queries = queries;
  }

  @Get('keys')
  @Operation({ id: 'listKeys', summary: 'Public keys and their signed registry', answers: { 200: { description: 'All keys, old ones too', json: 'KeyList' } } })
  keys(): Promise<unknown> {
    return this.#queries.execute(new GetKeys());
  }

  @Get('policies')
  @Operation({ id: 'listPolicies', summary: 'Policy sets and their digests', answers: { 200: { description: 'The active set and all that can be loaded', json: 'PolicyList' } } })
  policies(): Promise<unknown> {
    return this.#queries.execute(new GetPolicies());
  }

  @Get('commands/:commandId')
  @Operation({
    id: 'getCommand',
    summary: 'What became of a command',
    answers: { 200: { description: 'Accepted or refused', json: 'Command' } },
    problems: [404, 503],
  })
  command(@Param('commandId') commandId: string): Promise<unknown> {
    return this.#queries.execute(new GetCommand(commandId));
  }
}
