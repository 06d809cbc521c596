// Runs the OPA compiler that `$OPA` names (default: `opa` on the PATH).
import { execFileSync } from 'node:child_process';

export const opaPath = process.env.OPA ?? 'opa';

/** Version of the compiler; ends the process where there is none, for a check without it has checked nothing. */
export function opaVersion() {
  try {
    return /^Version: (\S+)/m.exec(execFileSync(opaPath, ['version'], { encoding: 'utf8' }))[1];
  } catch (error) {
    console.error(`opa cannot be run (${opaPath}): set OPA to its path. ${error.message}`);
    process.exit(1);
  }
}

/** Standard output of one run; the error of a failed one shows what the compiler said. */
export function opa(args, options = {}) {
  return execFileSync(opaPath, args, { maxBuffer: 256 << 20, stdio: ['pipe', 'pipe', 'inherit'], ...options });
}
