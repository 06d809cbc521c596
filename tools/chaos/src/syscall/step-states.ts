import type { EvidenceRef } from '@maestro/ports';
import type { DriverLine } from './store-driver.ts';
import type { Round, Step } from './workload.ts';

/**
 * What a client knows of one call. `acknowledged`: it was told so. `refused`: it was told that nothing was written, and
 * asked no more. `open`: the call may or may not have had its effect. `unsent`: it was never made.
 */
export type StepState = {
  readonly step: Step;
  readonly kind: 'acknowledged' | 'refused' | 'open' | 'unsent';
  readonly refs: readonly EvidenceRef[];
};

/** States of all steps, in their order, from what the driver told before it ended. */
export function stepStates(rounds: readonly Round[], lines: readonly DriverLine[]): StepState[] {
  const acks = new Map<number, readonly EvidenceRef[]>();
  const uncertain = new Set<number>();
  const ended = new Set<number>();
  for (const line of lines) {
    if (line[0] === 'ack') acks.set(line[1], line[2]);
    else if (line[0] === 'gave-up') ended.add(line[1]);
    else if (line[0] === 'fault' && line[2] === 'STORE_OUTCOME_UNKNOWN') uncertain.add(line[1]);
  }
  // a round begins when every step of the one before was acknowledged
  let isBegun = true;
  return rounds.flatMap((round) => {
    const wasBegun = isBegun;
    isBegun &&= round.every(({ index }) => acks.has(index));
    return round.map((step): StepState => {
      const refs = acks.get(step.index);
      if (refs !== undefined) return { step, kind: 'acknowledged', refs };
      if (!wasBegun) return { step, kind: 'unsent', refs: [] };
      const isRefused = ended.has(step.index) && !uncertain.has(step.index);
      return { step, kind: isRefused ? 'refused' : 'open', refs: [] };
    });
  });
}
