// node main.js [--nodes 3] [--port 2113] [--control 2114] [--log file] [--no-batch] [--with-parent]
import { runDouble } from './double-program.ts';

await runDouble(process.argv.slice(2));
