import type { Clock } from '@maestro/ports';
import type { FaultyPorts } from './port-rules.ts';
import type { Choices } from './seeded-choices.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/** Where a fault is planted. */
export type Ground = { readonly disk: SimulatedDisk; readonly clock: SimulatedClock; readonly choices: Choices };

/** What a planted fault does to one simulation. */
export type Planted = {
  /** other ports, or another clock, than those that the conductor of a life should get */
  readonly swap?: (ports: FaultyPorts, clock: Clock) => { readonly ports: FaultyPorts; readonly clock: Clock };
  readonly onCrash?: () => void;
  /** the id that a command gets at the edge, instead of its own */
  readonly commandId?: (commandId: string) => string;
  readonly ignoresMark?: boolean;
};

/** A mistake that a conductor could have; the simulation shows what it is worth by finding it. */
export type Plant = {
  readonly name: string;
  readonly what: string;
  /** the breaches of which one has to be seen; anything else that it breaks does not count as found */
  readonly shows: readonly string[];
  readonly in: (ground: Ground) => Planted;
};

/** Nothing is planted. */
export const noPlant: Plant = { name: 'none', what: 'the conductor as it is', shows: [], in: () => ({}) };
