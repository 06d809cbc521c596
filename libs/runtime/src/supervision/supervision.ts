import type { Clock, Log, Metrics, ProcessState } from '@maestro/ports';
import { LoopHealth } from './loop-health.ts';
import { Quarantine } from './quarantine.ts';

/** What the parts of one process tell about what goes wrong: streams that they leave alone, loops that do not go on. */
export type Supervision = { readonly quarantine: Quarantine; readonly loops: LoopHealth };

/** Faults of the process state pass through. */
export async function openSupervision(d: { readonly state: ProcessState; readonly clock: Clock; readonly metrics: Metrics; readonly log: Log }): Promise<Supervision> {
  return { quarantine: await Quarantine.open(d), loops: new LoopHealth(d.clock) };
}
