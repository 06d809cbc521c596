import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FullDiskOptions, FullDiskResult } from './full-disk.ts';

const isSource = import.meta.url.endsWith('.ts');
const program = fileURLToPath(new URL(isSource ? './full-disk.ts' : './full-disk.js', import.meta.url));

const SIZE = 'size=32m,mode=700';
const TIMEOUT_MS = 120_000;

/** `kind: 'forbidden'`: this machine gives no mount namespace; `why` in its own words. */
export type SmallDisk = ({ readonly kind: 'ran' } & FullDiskResult) | { readonly kind: 'forbidden'; readonly why: string };

/** Fills a tmpfs of its own, mounted where nobody else sees it, and frees it, again and again. */
export function onSmallDisk(root: string, o: Omit<FullDiskOptions, 'mount'>): SmallDisk {
  const mount = join(root, 'small-disk');
  mkdirSync(mount);
  const probe = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', SIZE, 'none', mount], { encoding: 'utf8' });
  if (probe.status !== 0) return { kind: 'forbidden', why: (probe.error?.message ?? probe.stderr).trim() };
  const script = join(root, 'small-disk.json');
  writeFileSync(script, JSON.stringify({ ...o, mount } satisfies FullDiskOptions));
  const shell = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"';
  const command = [process.execPath, ...(isSource ? ['--conditions=source'] : []), program, script];
  const ran = spawnSync('unshare', ['-m', 'sh', '-c', shell, 'sh', SIZE, mount, ...command], { encoding: 'utf8', timeout: TIMEOUT_MS });
  if (ran.status !== 0) throw new Error(`the full disk ended with ${ran.status ?? ran.signal}: ${ran.stderr.slice(0, 2_000)}`);
  return { kind: 'ran', ...(JSON.parse(ran.stdout.trimEnd().split('\n').at(-1) ?? '') as FullDiskResult) };
}
