import { parentPort, workerData } from 'node:worker_threads';
import type { WriterOptions } from './writer-database.ts';
import { serveWriter } from './writer-loop.ts';

// Entry of the writer's thread; everything that can go wrong is in the modules it imports.
if (parentPort !== null) serveWriter(parentPort, workerData as WriterOptions);
