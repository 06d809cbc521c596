// Entry of a child process: wiring only, no logic (its coverage cannot be measured).
import { Worker } from 'node:worker_threads';
import workerpool from 'workerpool';
import { ChildHost } from './child-host.ts';
import { wire } from './child-wiring.ts';

const { urls, reuseRssMaxBytes } = JSON.parse(process.argv[2] ?? '') as { urls: string[]; reuseRssMaxBytes: number };
const { pid, exit } = process;
const own = {
  pid,
  exit,
  emit: workerpool.workerEmit,
  rssBytes: process.memoryUsage.rss,
  import: (url: string) => import(url),
};
const host = new ChildHost(own, { reuseRssMaxBytes });
wire(host, process);
new Worker(new URL(import.meta.url.endsWith('.ts') ? './parent-guard.ts' : './parent-guard.js', import.meta.url)).unref();
await host.load(urls);
workerpool.worker({ run: host.run.bind(host) });
