// `./maestro chaos`: runs on import.
import { runChaos } from './chaos.ts';

process.exitCode = await runChaos(process.argv.slice(2));
