import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MemberPlan } from '@maestro/cli/cluster';

/** Of one disk. Memory holds it, as far as it is filled. */
const SIZE_MIB = 256;
const FILLER = 'filler';
const CHUNK = Buffer.alloc(256 * 1024, 1);

/**
 * File systems so small that they can be filled, each mounted on a folder of a cluster. Only processes that are started
 * through `within` see them: they are mounted in a namespace of its own, which lasts as long as a process in it, so that a
 * server that dies finds its data when it comes back, and nothing stays mounted afterwards. Making them needs root.
 */
export class SmallDisks {
  readonly #holder: ChildProcess;
  readonly #folder: string;

  private constructor(holder: ChildProcess, folder: string) {
    this.#holder = holder;
    this.#folder = folder;
  }

  /** Mounts one on each folder of these names below `folder`. The holder ends with this process, at the latest. */
  static async open(folder: string, names: readonly string[]): Promise<SmallDisks> {
    if (process.getuid?.() !== 0) throw new Error('small disks are mounted, and that needs root: run this harness as root, as CI does');
    for (const name of names) mkdirSync(join(folder, name), { recursive: true });
    const shell = 'size=$1; shift; for each in "$@"; do mount -t tmpfs -o "size=${size}m,mode=711" none "$each" || exit 1; done; echo mounted; exec cat >/dev/null';
    const holder = spawn('unshare', ['-m', 'sh', '-c', shell, 'sh', String(SIZE_MIB), ...names.map((name) => join(folder, name))], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', reject);
      holder.once('exit', (code) => reject(new Error(`small disks could not be mounted: unshare ended with ${String(code)}`)));
    });
    return new SmallDisks(holder, folder);
  }

  /** The same member, where these disks are. */
  within(plan: MemberPlan): MemberPlan {
    const as = plan.user === null ? [] : ['setpriv', `--reuid=${plan.user.uid}`, `--regid=${plan.user.gid}`, '--clear-groups'];
    return { ...plan, command: 'nsenter', args: [`--mount=/proc/${this.#pid}/ns/mnt`, '--', ...as, plan.command, ...plan.args], user: null, cwd: '/' };
  }

  /** Path of a disk as this process reaches it. */
  path(name: string): string {
    return `/proc/${this.#pid}/root${join(this.#folder, name)}`;
  }

  /** To the last byte. */
  async fill(name: string): Promise<void> {
    const file = await open(join(this.path(name), FILLER), 'a');
    try {
      for (let size = CHUNK.length; size >= 1; ) {
        try {
          await file.appendFile(CHUNK.subarray(0, size));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          size = Math.floor(size / 2);
        }
      }
    } finally {
      await file.close();
    }
  }

  async free(name: string): Promise<void> {
    await rm(join(this.path(name), FILLER));
  }

  /** The disks go with the last process that sees them. */
  close(): void {
    this.#holder.removeAllListeners('exit');
    this.#holder.stdin?.end();
  }

  get #pid(): number {
    return this.#holder.pid ?? 0;
  }
}
