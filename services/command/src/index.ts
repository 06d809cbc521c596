export { CommandModule } from './command.module.ts';
export type { CommandDivision } from './command.module.ts';
