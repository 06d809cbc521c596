import type { Json } from '../json.ts';
import { escapePointer } from '../pointer.ts';
import { parseTemplate } from './template.ts';
import type { Reference } from './template.ts';

/** One expression of a value: where it stands and what it refers to, or why it is none. */
export type Found =
  | { readonly kind: 'reference'; readonly pointer: string; readonly text: string; readonly reference: Reference }
  | { readonly kind: 'invalid'; readonly pointer: string; readonly text: string; readonly reason: string };

/** Every expression in a value, in document order; keys are never expressions. */
export function findReferences(value: Json, pointer = ''): readonly Found[] {
  if (typeof value === 'string') return inText(value, pointer);
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) =>
    findReferences(item as Json, `${pointer}/${escapePointer(key)}`),
  );
}

function inText(text: string, pointer: string): readonly Found[] {
  const template = parseTemplate(text);
  switch (template.kind) {
    case 'literal':
      return [];
    case 'invalid':
      return [{ kind: 'invalid', pointer, text: template.text, reason: template.reason }];
    case 'whole':
      return [{ kind: 'reference', pointer, ...template.expression }];
    case 'mixed':
      return template.parts
        .filter((part) => typeof part !== 'string')
        .map((part) => ({ kind: 'reference', pointer, ...part }));
  }
}
