// Entry of a worker thread; all logic is in the evaluator. Requests come in lists, answers go one by one, in order.
import { parentPort, workerData } from 'node:worker_threads';
import { type EvaluationRequest, Evaluator, type EvaluatorOptions } from './evaluator.ts';

const evaluator = new Evaluator(workerData as EvaluatorOptions);
parentPort?.on('message', (requests: readonly EvaluationRequest[]) => {
  for (const request of requests) parentPort?.postMessage(evaluator.evaluate(request));
});
parentPort?.postMessage('ready');
