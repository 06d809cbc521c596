// Entry of a child process: wiring only, no logic (its coverage cannot be measured).
import { Worker } from 'node:worker_threads';
import workerpool from 'workerpool';
import { ABORT_SIGNAL } from './child-protocol.ts';
import { ChildHost } from './child-host.ts';
import { captureWrites } from './capture-writes.ts';

const { urls, reuseRssMaxBytes } = JSON.parse(process.argv[2] ?? '{}') as { urls: string[]; reuseRssMaxBytes: number };
const { pid, exit } = process;
const load = (url: string) => import(url);
const host = new ChildHost({ pid, exit, emit: workerpool.workerEmit, rssBytes: process.memoryUsage.rss, import: load }, { reuseRssMaxBytes });
process.on('uncaughtException', (error) => host.onUncaught(error)).on('unhandledRejection', (error) => host.onUncaught(error));
process.on(ABORT_SIGNAL, () => host.onAbort()).on('SIGINT', () => undefined).on('exit', () => host.onExit());
for (const stream of [process.stdout, process.stderr]) captureWrites(stream, (text) => host.onOutput(text));
new Worker(new URL(import.meta.url.endsWith('.ts') ? './parent-guard.ts' : './parent-guard.js', import.meta.url)).unref();
await host.load(urls);
workerpool.worker({ run: host.run.bind(host) });
