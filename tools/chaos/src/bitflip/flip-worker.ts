// Entry of a process that flips bits: told its sources once, then one flip at a time; answers each with its verdict.
import type { Flip } from './choose-flips.ts';
import { FlipBench } from './flip-bench.ts';
import type { Sources } from './flip-bench.ts';

/** What it is told. */
export type FlipOrder = { readonly kind: 'sources'; readonly sources: Sources; readonly work: string } | { readonly kind: 'flip'; readonly flip: Flip };

let bench: FlipBench | undefined;

process.on('message', (order: FlipOrder) => {
  if (order.kind === 'sources') {
    bench = new FlipBench(order.sources, order.work);
    return;
  }
  void bench?.flip(order.flip).then(
    (verdict) => process.send?.(verdict),
    (error: unknown) => process.send?.({ kind: 'uncoded', question: null, detail: `the harness failed: ${String(error)}` }),
  );
});
