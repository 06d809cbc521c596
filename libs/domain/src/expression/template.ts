/** What one `${{ … }}` refers to. Path segments are object keys or array indexes. */
export type Reference =
  | { readonly root: 'inputs'; readonly path: readonly string[] }
  | { readonly root: 'output'; readonly taskId: string; readonly path: readonly string[] }
  | { readonly root: 'status'; readonly taskId: string }
  | { readonly root: 'run'; readonly field: 'id' | 'attempt' | 'conductorUrl' }
  | { readonly root: 'workflow'; readonly field: 'version' };

/** A string with expressions in it. One whole expression keeps the type of its value; otherwise it is interpolated. */
export type Template =
  | { readonly kind: 'literal' }
  | { readonly kind: 'whole'; readonly expression: Expression }
  | { readonly kind: 'mixed'; readonly parts: readonly (string | Expression)[] }
  | { readonly kind: 'invalid'; readonly text: string; readonly reason: string };

export type Expression = { readonly text: string; readonly reference: Reference };

const OPEN = '${{';
const CLOSE = '}}';
const SEGMENT = /^[A-Za-z0-9_-]+$/;

/** Splits a string into text and expressions. Linear in its length; nothing is ever evaluated as code. */
export function parseTemplate(text: string): Template {
  if (!text.includes(OPEN)) return { kind: 'literal' };
  const parts: (string | Expression)[] = [];
  let at = 0;
  for (let open = text.indexOf(OPEN); open !== -1; open = text.indexOf(OPEN, at)) {
    const close = text.indexOf(CLOSE, open);
    if (close === -1) return { kind: 'invalid', text: text.slice(open), reason: 'the expression is not closed by }}' };
    if (open > at) parts.push(text.slice(at, open));
    const inner = text.slice(open + OPEN.length, close).trim();
    const reference = parseReference(inner);
    if (typeof reference === 'string') return { kind: 'invalid', text: inner, reason: reference };
    parts.push({ text: inner, reference });
    at = close + CLOSE.length;
  }
  if (at < text.length) parts.push(text.slice(at));
  const [only] = parts;
  return parts.length === 1 && typeof only === 'object' ? { kind: 'whole', expression: only } : { kind: 'mixed', parts };
}

const EXPECTED = 'expected inputs.…, tasks.<id>.outputs.…, tasks.<id>.status, run.id, run.attempt, run.conductorUrl or workflow.version';

/** A reference, or why the text is none. */
function parseReference(text: string): Reference | string {
  const segments = text.split('.');
  if (!segments.every((segment) => SEGMENT.test(segment))) return EXPECTED;
  const [root, ...rest] = segments;
  switch (root) {
    case 'inputs':
      return rest.length > 0 ? { root, path: rest } : EXPECTED;
    case 'tasks':
      return parseTaskReference(rest);
    case 'run':
      return rest.length === 1 && isRunField(rest[0]) ? { root, field: rest[0] } : EXPECTED;
    case 'workflow':
      return rest.length === 1 && rest[0] === 'version' ? { root, field: 'version' } : EXPECTED;
    default:
      return EXPECTED;
  }
}

function parseTaskReference([taskId, what, ...path]: readonly string[]): Reference | string {
  if (taskId === undefined) return EXPECTED;
  if (what === 'status' && path.length === 0) return { root: 'status', taskId };
  return what === 'outputs' ? { root: 'output', taskId, path } : EXPECTED;
}

function isRunField(text: string | undefined): text is 'id' | 'attempt' | 'conductorUrl' {
  return text === 'id' || text === 'attempt' || text === 'conductorUrl';
}
