import { conformanceSuite, type ConformanceOptions } from './matrix.ts';
import { deliveryCases } from './work-queue-delivery.ts';
import { flowCases } from './work-queue-flow.ts';
import type { WorkQueueFactory } from './work-queue-harness.ts';

/** The suite that every work queue must pass, called at the top of a spec file. */
export function workQueueConformance(adapter: string, factory: WorkQueueFactory, o: ConformanceOptions = {}): void {
  conformanceSuite('work-queue', adapter, [...deliveryCases, ...flowCases], factory, o);
}
