import { join, resolve } from 'node:path';

/** What the command line does not say, read once. */
export type CliSettings = {
  /** the folder that the user stands in: relative paths are meant from here */
  readonly cwd: string;
  /** where `--data` is not given */
  readonly dataDir: string;
  /** a conductor elsewhere; undefined: the one of the data folder */
  readonly url: string | undefined;
  /** what a conductor at an address asks for; one of a data folder keeps its own there */
  readonly token: string | undefined;
  /** whom this user trusts */
  readonly trustStorePath: string;
  readonly isOutColored: boolean;
  readonly isNoteColored: boolean;
  /** progress may be redrawn in place; in a log or on a dumb terminal it comes in lines */
  readonly isLive: boolean;
  /** of child processes */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { readonly isTTY?: boolean };
  readonly stderr: { readonly isTTY?: boolean };
  cwd(): string;
};

/** `MAESTRO_DATA`, `MAESTRO_URL`, `MAESTRO_TOKEN`, `MAESTRO_TRUST_STORE`, `XDG_CONFIG_HOME`, `NO_COLOR` (https://no-color.org), `CI`. */
export function readSettings({ env, stdout, stderr, cwd }: Surroundings, configuredDataDir?: string): CliSettings {
  const folder = cwd();
  const isColorWanted = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const configHome = env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? folder, '.config');
  return {
    cwd: folder,
    dataDir: env['MAESTRO_DATA'] || configuredDataDir || '.maestro',
    url: env['MAESTRO_URL'] || undefined,
    token: env['MAESTRO_TOKEN'] || undefined,
    trustStorePath: resolve(folder, env['MAESTRO_TRUST_STORE'] || join(configHome, 'maestro', 'trust.json')),
    isOutColored: isColorWanted && stdout.isTTY === true,
    isNoteColored: isColorWanted && stderr.isTTY === true,
    isLive: stderr.isTTY === true && env['TERM'] !== 'dumb' && (env['CI'] ?? '') === '',
    environment: env,
  };
}
