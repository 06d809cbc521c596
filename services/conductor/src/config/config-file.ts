import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBody, positionsOf } from '@maestro/service-api/bodies';
import { SETTINGS, SETTING_NAMES } from './settings.ts';

/** What a configuration file says: values by setting, each with the place that says it. */
export type FileSays = {
  readonly path: string;
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly source: string }>;
  readonly faults: readonly string[];
};

/** Looked for in the current folder where no file is named. */
export const DEFAULT_CONFIG_FILE = 'maestro.yaml';
const FILE_BYTES_MAX = 65_536;

type YamlFault = { readonly detail?: unknown; readonly errors?: readonly { readonly line?: number; readonly column?: number; readonly message: string }[] };

/**
 * Reads the file that was named, else `maestro.yaml` of the current folder. Undefined: none was named and there is none.
 * YAML, of which JSON is a part; keys that stand twice, aliases and unknown keys are faults.
 */
export function readConfigFile(named: string | undefined, cwd: string): FileSays | undefined {
  const path = named ?? join(cwd, DEFAULT_CONFIG_FILE);
  const said = (faults: readonly string[], values: FileSays['values'] = new Map()): FileSays => ({ path, values, faults });
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (named === undefined && code === 'ENOENT') return undefined;
    return said([`${path}: cannot be read (${code ?? 'unknown'}); name a file that exists with --config, or leave it out`]);
  }
  if (bytes.length > FILE_BYTES_MAX) return said([`${path}: ${bytes.length} bytes; at most ${FILE_BYTES_MAX}`]);
  if (isBlank(bytes)) return said([]);
  try {
    const body = parseBody('yaml', bytes, FILE_BYTES_MAX);
    return valuesOf(path, body?.text ?? '', body?.value);
  } catch (error) {
    const { detail, errors = [] } = error as YamlFault;
    const faults = errors.map(({ line, column, message }) => `${path}${line === undefined ? '' : `:${line}:${column}`}: ${message}`);
    return said(faults.length > 0 ? faults : [`${path}: not usable YAML: ${String(detail ?? (error as Error).message)}`]);
  }
}

/** Nothing but comments and blank lines, as in a file whose settings are all commented out. */
function isBlank(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).toString('utf8').split('\n').every((line) => /^\s*(#.*)?$/.test(line));
}

function valuesOf(path: string, text: string, value: unknown): FileSays {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { path, values: new Map(), faults: [`${path}:1: expected settings, one a line, such as "port: 4747"`] };
  }
  const inFiles = SETTING_NAMES.filter((name) => !('isFlagOnly' in SETTINGS[name]));
  const entries = Object.entries(value).flatMap(([key, given]) => settingsIn(key, given, inFiles));
  const pointer = (key: string): string => `/${key.replaceAll('.', '/')}`;
  const places = positionsOf(text, entries.map(([key]) => pointer(key)));
  const at = (key: string): string => `${path}:${places.get(pointer(key))?.line ?? 1} ${key}`;
  const isKnown = (key: string): boolean => inFiles.some((name) => name === key);
  const known = entries.filter(([key]) => isKnown(key));
  return {
    path,
    values: new Map(known.map(([key, given]) => [key, { value: given, source: at(key) }])),
    faults: entries.filter(([key]) => !isKnown(key)).map(([key]) => `${at(key)}: no such setting; there are ${inFiles.join(', ')}`),
  };
}

/** A section's settings by their full names; anything else, also a section that holds no settings, as it stands. */
function settingsIn(key: string, given: unknown, names: readonly string[]): readonly (readonly [string, unknown])[] {
  const isSection = names.some((name) => name.startsWith(`${key}.`));
  if (!isSection || typeof given !== 'object' || given === null || Array.isArray(given)) return [[key, given]];
  return Object.entries(given).map(([inner, value]) => [`${key}.${inner}`, value] as const);
}
