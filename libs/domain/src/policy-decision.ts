import type { PolicyDecision } from '@maestro/contracts';

/** Names the shape of what policy evaluates; written into each decision. */
export const POLICY_INPUT_SCHEMA = 'policy-input.v1';

/** Nobody decided in time: a deny, recorded like any other. `at`: when the wait ended. */
export function undecided(checkId: string, setDigest: string, at: string): PolicyDecision {
  return {
    checkId,
    stage: checkId === 'start' ? 'start' : checkId.startsWith('publish/') ? 'publish' : 'task',
    taskId: null,
    attempt: null,
    allow: false,
    reason: 'POLICY_UNAVAILABLE',
    packs: [],
    setDigest,
    wasmDigest: null,
    dataDigest: null,
    entrypoint: null,
    engine: null,
    inputSchema: POLICY_INPUT_SCHEMA,
    input: null,
    result: null,
    evaluatedAt: at,
    durationUs: 0,
  };
}
