import type { Json } from '@maestro/domain';
import { definePackage } from '@maestro/worker';

/** Gives back what it was given: for examples, tests and joining values. */
export const echo = definePackage<{ readonly value: Json }, { readonly value: Json }>({
  name: 'pkg:core/echo',
  version: '1.0.0',
  description: 'Returns its value unchanged.',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['value'],
    properties: { value: { description: 'any JSON value' } },
  },
  outputSchema: { type: 'object', additionalProperties: false, required: ['value'], properties: { value: {} } },
  inline: true,
  expectedDurationMs: 1,
  run: ({ value }) => ({ value }),
});
