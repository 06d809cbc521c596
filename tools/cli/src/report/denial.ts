import { escapePointer } from '@maestro/domain';
import type { Finding, PackVerdict, Preview } from '../rest/workflow-calls.ts';
import type { Paint } from '../screen.ts';
import { printable } from '../screen.ts';

/** Says which pack denied, with which codes, and where: `previews` name the places, as far as the stage was asked about. */
export function renderDenial(
  stage: string,
  decisions: readonly PackVerdict[],
  previews: readonly Preview[],
  paint: Paint,
): string {
  const denied = decisions.filter(({ allow }) => !allow);
  const lines = denied.flatMap(({ pack, violations }) => {
    const found = previews.find((preview) => preview.stage === stage && preview.pack === pack)?.violations ?? [];
    const placed = found.filter(({ code }) => violations.includes(code));
    const bare = violations.filter((code) => !placed.some((finding) => finding.code === code));
    return [
      ...placed.map((finding) => findingText(pack, finding, paint)),
      ...bare.map((code) => `${pack}  ${paint('bad', code)}`),
    ];
  });
  return lines.map((line) => `  ${line}`).join('\n');
}

/** The same where the places are known already, each once. */
export function renderFindings(decisions: readonly Pick<Preview, 'pack' | 'violations'>[], paint: Paint): string {
  const lines = decisions.flatMap(({ pack, violations }) => violations.map((finding) => findingText(pack, finding, paint)));
  return [...new Set(lines)].map((line) => `  ${line}`).join('\n');
}

function findingText(pack: string, { code, path, params }: Finding, paint: Paint): string {
  return `${pack}  ${paint('bad', printable(code))}${path.length === 0 ? '' : `  at ${placeOf(path)}`}${paramsText(params)}`;
}

/** Policy sees the manifest under names of its own; people look for the place where they wrote it. */
export function placeOf(path: readonly (string | number)[]): string {
  const [part, name] = path;
  if (part === 'request' && name === 'region') return 'the requested region (--region)';
  if (part === 'inputs') return `the inputs of the run: ${pointerOf(path.slice(1))}`;
  if (part === 'workflow' && name === 'id') return '/name of the manifest';
  return `${pointerOf(part === 'workflow' ? path.slice(1) : path)} of the manifest`;
}

function pointerOf(path: readonly (string | number)[]): string {
  return printable(path.map((key) => `/${escapePointer(String(key))}`).join(''));
}

function paramsText(params: { readonly [name: string]: unknown }): string {
  const named = Object.entries(params).map(
    ([name, value]) => `${name} ${printable(typeof value === 'string' ? value : JSON.stringify(value))}`,
  );
  return named.length === 0 ? '' : ` (${named.join(', ')})`;
}
