// Entry of a process that rebuilds a receipt: rebuild-entry <folder with events and manifest> <folder for the result>
import { rebuildReceipt, surroundings } from './rebuild-receipt.ts';

const [from = '', to = ''] = process.argv.slice(2);
await rebuildReceipt(from, to);
process.stdout.write(JSON.stringify(surroundings()));
