import { appendCases, sizeCases } from './event-store-append.ts';
import type { EventStoreFactory, EventStoreHarness } from './event-store-harness.ts';
import { outageCases } from './event-store-outage.ts';
import { allCases, foreignCursorCase, readCases } from './event-store-read.ts';
import { retryCases } from './event-store-retry.ts';
import { subscribeCases } from './event-store-subscribe.ts';
import { conformanceSuite, type ConformanceCase, type ConformanceOptions } from './matrix.ts';

/** The forty rules of the EventStore port, in order. */
export function eventStoreCases(factory: EventStoreFactory): readonly ConformanceCase<EventStoreHarness>[] {
  const cases = [
    ...appendCases,
    ...retryCases,
    ...sizeCases,
    ...readCases,
    ...allCases,
    foreignCursorCase(factory),
    ...subscribeCases,
    ...outageCases,
  ];
  return cases.sort((a, b) => a.number - b.number);
}

/**
 * The suite that every event store must pass, called at the top of a spec file. The factory makes a store of its own
 * with no data for each case; cases whose hooks it lacks must be explained in `o.notApplicable`, and no others.
 */
export function eventStoreConformance(adapter: string, factory: EventStoreFactory, o: ConformanceOptions = {}): void {
  conformanceSuite('event-store', adapter, eventStoreCases(factory), factory, o);
}
