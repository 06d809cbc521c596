// contracts/asyncapi.yaml against the AsyncAPI parser: no error and no warning. The parser lives in the tool cache.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';

const cache = process.env.MAESTRO_TOOL_CACHE ?? `${homedir()}/.cache/maestro/tools`;
const require = createRequire(`${cache}/asyncapi-3.6.3/package.json`);
const file = fileURLToPath(new URL('../../../contracts/asyncapi.yaml', import.meta.url));

async function diagnosticsOf(text) {
  const { Parser } = require('@asyncapi/parser');
  const { document, diagnostics } = await new Parser().parse(text, { source: file });
  return { document, found: diagnostics.map(({ code, message, path, range }) => `${range.start.line + 1}: ${code}: ${message} (at ${path.join('/')})`) };
}

const text = readFileSync(file, 'utf8');
const { document, found } = await diagnosticsOf(text);
for (const each of found) console.error(`contracts/asyncapi.yaml:${each}`);
// a check that finds nothing in anything would be green too
const planted = await diagnosticsOf(text.replace('asyncapi: 3.1.0', 'asyncapi: 3.1.0\nunknown: 1'));
if (planted.found.length === 0) console.error('self-test: an unknown field was not found');
const channels = document?.channels().length ?? 0;
console.log(`contracts/asyncapi.yaml: ${channels} channels, ${document?.operations().length ?? 0} operations, ${found.length} findings`);
process.exitCode = found.length === 0 && planted.found.length > 0 && channels > 0 ? 0 : 1;
