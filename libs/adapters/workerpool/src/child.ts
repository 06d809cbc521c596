// Entry of a child process: wiring only, no logic (its coverage cannot be measured).
import { Worker } from 'node:worker_threads';
import workerpool from 'workerpool';
import { ChildHost } from './child-host.ts';
import type { ChildEvent, ChildRequest } from './child-protocol.ts';
import { wire } from './child-wiring.ts';
import { watchIntrinsics } from './intrinsics.ts';
import { SendGate } from './send-gate.ts';

const { urls, reuseRssMaxBytes } = JSON.parse(process.argv[2] ?? '') as { urls: string[]; reuseRssMaxBytes: number };
const { pid, exit } = process;
const gate = new SendGate(process);
const own = {
  pid,
  exit,
  emit: (event: ChildEvent) => gate.open(() => workerpool.workerEmit(event)),
  rssBytes: process.memoryUsage.rss,
  import: (url: string) => import(url),
  isIntact: () => isIntact(),
};
const host = new ChildHost(own, { reuseRssMaxBytes });
wire(host, process);
new Worker(new URL(import.meta.url.endsWith('.ts') ? './parent-guard.ts' : './parent-guard.js', import.meta.url)).unref();
await host.load(urls);
const isIntact = watchIntrinsics();
const run = (request: ChildRequest) => host.run(request).finally(() => gate.answered());
gate.open(() => workerpool.worker({ run }));
