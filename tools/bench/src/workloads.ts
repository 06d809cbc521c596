/** A shape of run and how many are kept open: defined in words that other engines can run, too. */
export type Workload = {
  readonly id: string;
  readonly says: string;
  /** tasks of the run */
  readonly tasks: number;
  readonly manifest: object;
  /** runs that are kept open at once */
  readonly inFlight: number;
  /** after each run its receipt is fetched before the next one begins; the samples are from terminal event to answer */
  readonly fetchesReceipt: boolean;
  /** a run of this is always open beside the measured ones, from the first to the last of them; it is no sample */
  readonly beside?: object;
};

const ECHO = 'pkg:core/echo@1.0.0';

/** A chain of tasks with literal arguments; late: each takes its argument from the task before. */
function chain(length: number, { isLate = false } = {}): object {
  const tasks = Array.from({ length }, (_, i) => ({
    id: `t${i}`,
    uses: ECHO,
    with: { value: isLate && i > 0 ? `\${{ tasks.t${i - 1}.outputs.value }}` : i },
    needs: i === 0 ? [] : [`t${i - 1}`],
  }));
  return { name: `chain-${length}${isLate ? '-late' : ''}`, version: '1.0.0', tasks };
}

function fanOut(width: number): object {
  const middle = Array.from({ length: width }, (_, i) => ({ id: `m${i}`, uses: ECHO, with: { value: i }, needs: ['first'] }));
  const last = { id: 'last', uses: ECHO, with: { value: 0 }, needs: middle.map(({ id }) => id) };
  return { name: `fan-${width}`, version: '1.0.0', tasks: [{ id: 'first', uses: ECHO, with: { value: 0 } }, ...middle, last] };
}

const one = { inFlight: 1, fetchesReceipt: false } as const;
const many = { inFlight: 50, fetchesReceipt: false } as const;

export const WORKLOADS: readonly Workload[] = [
  { id: 'W1', says: 'start to terminal event, 1 task, one run at a time', tasks: 1, manifest: chain(1), ...one },
  { id: 'W10', says: 'the same, a chain of 10 tasks', tasks: 10, manifest: chain(10), ...one },
  { id: 'W10L', says: 'W10, each argument from the task before', tasks: 10, manifest: chain(10, { isLate: true }), ...one },
  { id: 'W100', says: 'the same, a chain of 100 tasks', tasks: 100, manifest: chain(100), ...one },
  { id: 'F100', says: '1 task, then 100 side by side, then 1', tasks: 102, manifest: fanOut(100), ...one },
  { id: 'F1000', says: '1 task, then 998 side by side, then 1', tasks: 1_000, manifest: fanOut(998), ...one },
  { id: 'C1', says: 'W1 with 50 runs open', tasks: 1, manifest: chain(1), ...many },
  { id: 'C10', says: 'W10 with 50 runs open', tasks: 10, manifest: chain(10), ...many },
  { id: 'N', says: 'W1 with 4 runs open, measured in turn with NF', tasks: 1, manifest: chain(1), inFlight: 4, fetchesReceipt: false },
  { id: 'NF', says: 'N beside F1000, which is begun anew whenever it ends', tasks: 1, manifest: chain(1), inFlight: 4, fetchesReceipt: false, beside: fanOut(998) },
  { id: 'S', says: 'terminal event to receipt in hand, 1 task, one run at a time', tasks: 1, manifest: chain(1), inFlight: 1, fetchesReceipt: true },
];

/** Small runs alone, and beside a wide one: their 99th percentile may at most double. In rounds, so that both meet the same machine. */
export const FAIRNESS = { alone: 'N', beside: 'NF', ratioMax: 2, rounds: 3 } as const;

/** What `--quick` measures. */
export const QUICK: readonly string[] = ['W1', 'W10', 'C10', 'S'];

/** Said under every table: a figure that is not there is not a promise. */
export const NOT_MEASURED: readonly string[] = [
  'pooled packages (all tasks are pkg:core/echo, which runs inline), retries, timers, cancels',
  'publish to first task (P), read models (R), boot with open runs (B), verification (V), memory after 100,000 runs (M)',
  'fsync calls (what one costs here is probed), disk use, more than one machine',
  'a client apart from the engine: the engine rows drive it in its own process and share its event loop',
];
