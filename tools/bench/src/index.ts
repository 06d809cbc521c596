export { bench, runBench } from './bench.ts';
export type { BenchOptions } from './bench.ts';
export type { Measured } from './measure.ts';
export { renderReport } from './report.ts';
export type { AppendFigures, BenchReport } from './report.ts';
export { WORKLOADS } from './workloads.ts';
export type { Workload } from './workloads.ts';
