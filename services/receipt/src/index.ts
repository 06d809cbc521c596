export { ReceiptModule } from './receipt.module.ts';
export type { ReceiptDivision, ReceiptRoleDependencies } from './receipt.module.ts';
