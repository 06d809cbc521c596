import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { noPlant } from './plant.ts';
import { PLANTS } from './plants.ts';
import { runSeed } from './run-seed.ts';
import type { SeedOutcome } from './run-seed.ts';

/** One seed, with a fault planted or (`none`) as the program is. */
export type SeedTask = { readonly seed: number; readonly plant: string };

/** What a thread of this module is started with; any other thread leaves it alone. */
const ROLE = 'maestro-simulation';

/**
 * Runs seeds on several threads; each takes the next as soon as it is free. `next` says which, undefined: no more;
 * `done` gets every outcome, in the order in which they come. Rejects when a thread breaks.
 */
export async function runSeeds(threads: number, next: () => SeedTask | undefined, done: (task: SeedTask, outcome: SeedOutcome) => void): Promise<void> {
  await Promise.all(Array.from({ length: threads }, () => worked(next, done)));
}

function worked(next: () => SeedTask | undefined, done: (task: SeedTask, outcome: SeedOutcome) => void): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: ROLE });
  return new Promise<void>((resolve, reject) => {
    let task: SeedTask | undefined;
    const give = (): void => {
      task = next();
      if (task === undefined) resolve();
      else worker.postMessage(task);
    };
    worker.on('message', (outcome: SeedOutcome) => {
      if (task !== undefined) done(task, outcome);
      give();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a thread of the simulation ended with ${code}`)));
    give();
  }).finally(() => worker.terminate());
}

if (!isMainThread && workerData === ROLE) {
  parentPort?.on('message', ({ seed, plant }: SeedTask) => {
    void runSeed(seed, PLANTS.find(({ name }) => name === plant) ?? noPlant).then(({ outcome }) => parentPort?.postMessage(outcome));
  });
}
