import type { Clock, LeaseBoard, LeaseGroup, Leases } from '@maestro/ports';

type Row = { readonly owner: string; readonly expiresMs: number };

/** Leases of one process; those who share the object are the members. */
export class MemoryLeases implements Leases {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #rows = new Map<string, Row>();

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  async beat(group: LeaseGroup): Promise<LeaseBoard> {
    this.#put(group, memberName(group.owner));
    const held = group.names.filter((name) => this.#ownerOf(group, name) === group.owner);
    for (const name of held) this.#put(group, name);
    const free = group.names.filter((name) => this.#ownerOf(group, name) === undefined);
    const members = [...this.#rows].filter(([key, row]) => key.startsWith(`${group.group} member `) && this.#isAlive(row)).length;
    return { members, held, free };
  }

  async take(group: LeaseGroup, name: string): Promise<boolean> {
    const owner = this.#ownerOf(group, name);
    if (owner !== undefined && owner !== group.owner) return false;
    this.#put(group, name);
    return true;
  }

  async release(group: LeaseGroup, names: readonly string[]): Promise<void> {
    for (const name of names) if (this.#ownerOf(group, name) === group.owner) this.#rows.delete(keyOf(group, name));
  }

  async leave(group: LeaseGroup): Promise<void> {
    await this.release(group, [...group.names, memberName(group.owner)]);
  }

  #put(group: LeaseGroup, name: string): void {
    this.#rows.set(keyOf(group, name), { owner: group.owner, expiresMs: this.#clock.nowMs() + group.ttlMs });
  }

  #ownerOf(group: LeaseGroup, name: string): string | undefined {
    const row = this.#rows.get(keyOf(group, name));
    return row !== undefined && this.#isAlive(row) ? row.owner : undefined;
  }

  #isAlive({ expiresMs }: Row): boolean {
    return expiresMs > this.#clock.nowMs();
  }
}

const memberName = (owner: string): string => `member ${owner}`;
const keyOf = ({ group }: LeaseGroup, name: string): string => `${group} ${name}`;
