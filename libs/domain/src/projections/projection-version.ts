/**
 * Raised whenever the same history makes other rows: rows of another version are folded anew, beside the old ones.
 * 1: runs, workflows and commands. 2: decisions, audit, receipts by digest, labels of workflows, resumed runs.
 */
export const PROJECTION_VERSION = 2;
