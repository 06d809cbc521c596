import { readFile } from 'node:fs/promises';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { schemaFiles, schemasUrl } from '@maestro/contracts';
import { sha256 } from '@maestro/receipt';
import type { HttpReply, HttpRequest } from '../http/exchange.ts';
import { sendTaggedBytes } from '../http/tagged-answer.ts';
import { NOT_MODIFIED, Operation, TAG_HEADERS } from '../openapi/answers.ts';
import { anyObject } from '../openapi/schema-parts.ts';
import { problem } from '../problem/problem-error.ts';

const SCHEMA_TYPE = 'application/schema+json';
const LISTED: ReadonlySet<string> = new Set(schemaFiles);

type SchemaFile = { readonly bytes: Buffer; readonly digest: string };

const SPEC = {
  headers: TAG_HEADERS,
  answers: { 200: { description: 'The exact file', content: { [SCHEMA_TYPE]: anyObject } }, ...NOT_MODIFIED },
  problems: [404],
} as const;

/** Serves the published language. A name is looked up in a list, never joined to a path. */
@ApiTags('schemas')
@Controller('schemas')
export class SchemasController {
  readonly #files = new Map<string, SchemaFile>();

  @Get(':file')
  @Operation({ id: 'getSchema', summary: 'A JSON Schema of this release', ...SPEC })
  file(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('file') file: string): Promise<void> {
    return this.#serve(request, reply, file);
  }

  @Get(':folder/:file')
  @Operation({ id: 'getSchemaOf', summary: 'A JSON Schema of one event or command', ...SPEC })
  fileOf(@Req() request: HttpRequest, @Res() reply: HttpReply, @Param('folder') folder: string, @Param('file') file: string): Promise<void> {
    return this.#serve(request, reply, `${folder}/${file}`);
  }

  async #serve(request: HttpRequest, reply: HttpReply, name: string): Promise<void> {
    if (!LISTED.has(name)) throw problem('SCHEMA_NOT_FOUND', 'there is no such schema in this release');
    const { bytes, digest } = this.#files.get(name) ?? (await this.#read(name));
    sendTaggedBytes(request, reply, { bytes, digest, type: SCHEMA_TYPE, cache: 'public, max-age=31536000, immutable' });
  }

  async #read(name: string): Promise<SchemaFile> {
    const bytes = await readFile(new URL(name, schemasUrl));
    const file = { bytes, digest: sha256(bytes) };
    this.#files.set(name, file);
    return file;
  }
}
