import { problem } from '../problem/problem-error.ts';
import { isJsonTooComplex } from '../http/body-budget.ts';
import { ParsedBody } from '../http/parsed-body.ts';
import { ArchiveBody } from './archive-body.ts';
import { readTar } from './ustar.ts';

const FILES_MAX = 64;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Files of a receipt set that was sent, as `{files: {name: base64}}` or as a tar archive; any folders in it are left out. */
export function uploadedFiles(body: unknown): ReadonlyMap<string, Uint8Array> {
  const files = body instanceof ArchiveBody ? archived(body) : listed(body);
  // their structure is verified piece by piece, so it has the bound that a body has
  const text = [...files.values()].map((bytes) => Buffer.from(bytes).toString('latin1')).join('\n');
  if (isJsonTooComplex(text)) throw problem('BODY_TOO_COMPLEX', 'the set holds more than is verified over HTTP: verify it with `maestro verify <folder>`');
  return files;
}

function archived({ bytes }: ArchiveBody): ReadonlyMap<string, Uint8Array> {
  const files = readTar(bytes);
  if (typeof files === 'string') throw problem('BODY_MALFORMED', `the body is not a usable tar archive: ${files}`);
  return files;
}

function listed(body: unknown): ReadonlyMap<string, Uint8Array> {
  if (!(body instanceof ParsedBody)) throw problem('BODY_REQUIRED', 'send the files of a set as {"files": {"events.jsonl": "<base64>", …}}, or as application/x-tar');
  const { files, ...others } = (isObject(body.value) ? body.value : {}) as { readonly files?: unknown };
  if (!isObject(files) || Object.keys(others).length > 0) throw problem('REQUEST_INVALID', 'the body must be an object with the one member files');
  const entries = Object.entries(files);
  if (entries.length > FILES_MAX) throw problem('REQUEST_INVALID', `a set has at most ${FILES_MAX} files`);
  const wrong = entries.filter(([, content]) => typeof content !== 'string' || !BASE64.test(content));
  if (wrong.length === 0) return new Map(entries.map(([name, content]) => [name, Buffer.from(content as string, 'base64')]));
  const errors = wrong.map(([name]) => ({ pointer: `/files/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, code: 'FIELD_INVALID', message: 'expected base64' }));
  throw problem('REQUEST_INVALID', `${errors.length} of the files are not base64`, { errors });
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
