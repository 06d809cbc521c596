import { runVerify } from './run-verify.ts';

const color = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
const { exitCode, out, error } = await runVerify(process.argv.slice(2), { color });
process.stdout.write(out);
process.stderr.write(error);
process.exitCode = exitCode;
