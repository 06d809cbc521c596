import type { AuditRow, CommandRow, DecisionRow, ExecutionRow, ReceiptRow, WorkflowRow } from '@maestro/domain';

/** Rows by table; every row carries its own `id`. */
export type Rows = {
  readonly execution: ExecutionRow;
  readonly workflow: WorkflowRow;
  readonly command: CommandRow;
  readonly decision: DecisionRow;
  readonly audit: AuditRow;
  readonly receipt: ReceiptRow;
};
export type TableName = keyof Rows;
