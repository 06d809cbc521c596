import type { Clock, PolicyEngine, ProcessState } from '@maestro/ports';

/** From when on new runs were pinned to a policy set. `since` is RFC 3339; `setDigest` 64 hex. */
export type PolicyActivation = { readonly setDigest: string; readonly since: string };

/** Name of these rows in the process state. */
const ACTIVATIONS = 'policy-activations';
/** Digits of a row's key, so that keys stand in the order of their numbers. */
const KEY_DIGITS = 9;

/** Which policy set was active from when on, oldest first; a set that came back stands there again. */
export async function readPolicyActivations(state: ProcessState): Promise<readonly PolicyActivation[]> {
  const activations: PolicyActivation[] = [];
  const { rows } = await state.load(ACTIVATIONS);
  for await (const { value } of rows) activations.push(value as PolicyActivation);
  return activations;
}

/**
 * Notes the active set where it is another one than before: once per start, before runs can begin. Which set a run was
 * decided by is in its own events; this says it of the times between.
 */
export async function notePolicyActivation(state: ProcessState, policies: Pick<PolicyEngine, 'active'>, clock: Clock): Promise<void> {
  const { setDigest } = policies.active();
  const known = await readPolicyActivations(state);
  if (known.at(-1)?.setDigest === setDigest) return;
  const value: PolicyActivation = { setDigest, since: new Date(clock.nowMs()).toISOString() };
  await state.apply(ACTIVATIONS, null, [{ key: String(known.length).padStart(KEY_DIGITS, '0'), value }], []);
}
