import { parseArgs } from 'node:util';
import { SETTINGS, SETTING_NAMES, flagOf } from './settings.ts';

/** Values by flag, in the order they were given. */
export type Flags = { readonly values: ReadonlyMap<string, readonly string[]>; readonly faults: readonly string[] };

/** Leads to the configuration file; no setting of its own. */
const CONFIG_FLAG = 'config';

/** Reads a command line; a switch that is given says `true`. Every unknown word and missing value is a fault. */
export function readFlags(args: readonly string[]): Flags {
  const switches = new Set(SETTING_NAMES.filter((name) => SETTINGS[name].kind === 'switch').map(flagOf));
  const known = [CONFIG_FLAG, ...SETTING_NAMES.map(flagOf)];
  const options = Object.fromEntries(known.map((flag) => [flag, { type: switches.has(flag) ? 'boolean' : 'string' } as const]));
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const values = new Map<string, string[]>();
  const faults: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') faults.push(`${token.value}: expected a flag such as --port`);
    if (token.kind !== 'option') continue;
    const { name, rawName } = token;
    const value = token.value ?? (switches.has(name) ? 'true' : undefined);
    if (!known.includes(name)) faults.push(`${rawName}: no such flag; there are ${known.map((flag) => `--${flag}`).join(', ')}`);
    else if (value === undefined) faults.push(`${rawName}: needs a value`);
    else values.set(name, [...(values.get(name) ?? []), value]);
  }
  return { values, faults };
}
