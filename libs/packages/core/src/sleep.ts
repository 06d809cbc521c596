import { setTimeout as delay } from 'node:timers/promises';
import { definePackage } from '@maestro/worker';

/** Waits `ms` milliseconds, or until the attempt is cancelled (then it throws the signal's reason). */
export const sleep = definePackage<{ readonly ms: number }, { readonly sleptMs: number }>({
  name: 'pkg:core/sleep',
  version: '1.0.0',
  description: 'Waits the given time in milliseconds.',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['ms'],
    properties: { ms: { type: 'integer', minimum: 0, maximum: 86_400_000 } },
  },
  outputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['sleptMs'],
    properties: { sleptMs: { type: 'integer', 'x-public': true } },
  },
  inline: true,
  expectedDurationMs: 1000,
  run: async ({ ms }, { signal }) => {
    await delay(ms, undefined, { signal });
    return { sleptMs: ms };
  },
});
