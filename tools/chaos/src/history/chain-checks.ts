import type { StoredEventV1 } from '@maestro/contracts';
import type { StoredEvent } from '@maestro/ports';
import { ZERO_HASH, eventHash } from '@maestro/receipt';
import type { Report } from './violation.ts';

type Chain = { revisionNext: number; head: string; readonly commands: Set<string>; command: string | undefined };

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Streams as chains: revisions dense from 0, every hash that of its bytes and named by the next event, every event once,
 * the events of a command side by side in one stream. Events come in the order of the store.
 */
export class ChainChecks {
  readonly #report: Report;
  readonly #chains = new Map<string, Chain>();
  readonly #ids = new Set<string>();
  readonly #commandStreams = new Map<string, string>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** The event as it was written; undefined: its bytes are none. */
  add({ stream, revision, bytes, hash, id }: StoredEvent): StoredEventV1 | undefined {
    const chain = this.#chainOf(stream);
    if (eventHash(bytes) !== hash) this.#report('HASH_MISMATCH', stream, `revision ${revision} has other bytes than its hash says`);
    const stored = parse(bytes);
    if (stored === undefined) {
      this.#report('UNREADABLE', stream, `revision ${revision} is not JSON`);
      return undefined;
    }
    if (stored.stream !== stream || BigInt(stored.revision) !== revision || stored.id !== id) {
      this.#report('MISPLACED', stream, `revision ${revision} says that it is revision ${stored.revision} of ${stored.stream}`);
    }
    if (this.#ids.has(id)) this.#report('EVENT_TWICE', stream, `event ${id} is stored again at revision ${revision}`);
    this.#ids.add(id);
    this.#place(chain, stream, Number(revision));
    if (stored.prev !== chain.head) this.#report('CHAIN_BROKEN', stream, `revision ${revision} does not name the event before it`);
    chain.head = hash;
    this.#command(chain, stream, stored.commandId);
    return stored;
  }

  #chainOf(stream: string): Chain {
    const known = this.#chains.get(stream);
    if (known !== undefined) return known;
    const chain: Chain = { revisionNext: 0, head: ZERO_HASH, commands: new Set(), command: undefined };
    this.#chains.set(stream, chain);
    return chain;
  }

  #place(chain: Chain, stream: string, revision: number): void {
    if (revision > chain.revisionNext) this.#report('REVISION_GAP', stream, `revision ${revision} follows ${chain.revisionNext - 1}`);
    if (revision < chain.revisionNext) this.#report('REVISION_TWICE', stream, `revision ${revision} comes again`);
    chain.revisionNext = Math.max(chain.revisionNext, revision + 1);
  }

  /** A command that was carried out twice shows as two groups of events, in one stream or in two. */
  #command(chain: Chain, stream: string, commandId: string): void {
    const other = this.#commandStreams.get(commandId);
    const isAgain = chain.command !== commandId && chain.commands.has(commandId);
    if (isAgain || (other !== undefined && other !== stream)) {
      this.#report('COMMAND_TWICE', stream, `command ${commandId} had its events before${other === stream ? '' : ` in ${other}`}`);
    }
    chain.command = commandId;
    chain.commands.add(commandId);
    if (other === undefined) this.#commandStreams.set(commandId, stream);
  }
}

function parse(bytes: Uint8Array): StoredEventV1 | undefined {
  try {
    return JSON.parse(decoder.decode(bytes)) as StoredEventV1;
  } catch {
    return undefined;
  }
}
