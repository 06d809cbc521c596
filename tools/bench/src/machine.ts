import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summarise } from './statistics.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What the figures were measured on; without it they say nothing. */
export type Machine = {
  readonly cpuCount: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly commit: string;
  /** tracked files differ from the commit */
  readonly isDirty: boolean;
  readonly loadAverage1m: number;
  readonly fileSystem: string;
  /** 4 KiB written and synced into the data folder */
  readonly fsyncP50Ms: number;
};

const PROBES = 40;
const PROBE_BYTES = 4_096;
/** Magic numbers of statfs(2). */
const FILE_SYSTEMS: Readonly<Record<string, string>> = { ef53: 'ext4', '58465342': 'xfs', '9123683e': 'btrfs', '1021994': 'tmpfs', '794c7630': 'overlayfs' };
/** A sync costs nothing there, so that no figure would count. */
const VOLATILE = ['tmpfs'];

/** Throws where the data folder lies in memory. */
export function describeMachine(dataDir: string): Machine {
  const magic = (statfsSync(dataDir).type >>> 0).toString(16);
  const fileSystem = FILE_SYSTEMS[magic] ?? `0x${magic}`;
  if (VOLATILE.includes(fileSystem)) throw new Error(`${dataDir} is on ${fileSystem}: nothing is synced there; give a folder on a disk with --data`);
  return {
    cpuCount: cpus().length,
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()} ${arch()}`,
    node: process.version,
    commit: git('rev-parse', '--short=12', 'HEAD') ?? 'unknown',
    isDirty: git('status', '--porcelain', '--untracked-files=no') !== '',
    loadAverage1m: loadavg()[0] ?? Number.NaN,
    fileSystem,
    fsyncP50Ms: probeFsync(dataDir),
  };
}

function git(...args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', [...args], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

function probeFsync(dataDir: string): number {
  const path = join(dataDir, 'fsync.probe');
  const file = openSync(path, 'w', 0o600);
  try {
    const bytes = Buffer.alloc(PROBE_BYTES, 1);
    const samples = Array.from({ length: PROBES }, () => {
      const started = performance.now();
      writeSync(file, bytes);
      fsyncSync(file);
      return performance.now() - started;
    });
    return summarise(samples)?.p50 ?? Number.NaN;
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
