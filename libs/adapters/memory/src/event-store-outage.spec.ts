import { eventStoreCases, type EventStoreHarness } from '@maestro/conformance';
import type { StreamName } from '@maestro/domain';
import { Fault, type Appended, type Conflict, type EventStore, type StreamPage } from '@maestro/ports';
import { MemoryEventStore } from './event-store.ts';

// The outage cases are for stores behind a server. Here a memory store plays one, so that the cases themselves are
// known to pass where they should and to fail where they should.

type Faults = {
  readonly loseAnswers?: boolean;
  readonly appendTwice?: boolean;
  readonly forgetTombstones?: boolean;
  readonly renumber?: boolean;
};

class ServerDouble extends MemoryEventStore {
  readonly gone = new Set<StreamName>();
  readonly hiddenBelow = new Map<StreamName, bigint>();
  failuresLeft = 0;
  hung = false;
  readonly #faults: Faults;

  constructor(faults: Faults) {
    super();
    this.#faults = faults;
  }

  #deleted(stream: StreamName): void {
    if (!this.gone.has(stream)) return;
    throw new Fault('STORE_DAMAGED', `stream ${stream} was deleted behind our back`);
  }

  override async append(
    ...[stream, expected, events, o]: Parameters<EventStore['append']>
  ): Promise<Appended | Conflict> {
    this.#deleted(stream);
    const unknown = new Fault('STORE_OUTCOME_UNKNOWN', 'no answer', { retryable: this.#faults.loseAnswers !== true });
    if (this.hung) throw unknown;
    const answer = await super.append(stream, expected, events, o);
    if (this.failuresLeft > 0) {
      this.failuresLeft -= 1;
      if (this.#faults.appendTwice === true && answer.kind === 'appended')
        await super.append(stream, answer.version, events, o);
      throw unknown;
    }
    return answer;
  }

  override async readStream(...[stream, o]: Parameters<EventStore['readStream']>): Promise<StreamPage> {
    this.#deleted(stream);
    const page = await super.readStream(stream, o);
    const below = this.hiddenBelow.get(stream);
    if (page.kind === 'missing' || below === undefined) return page;
    const left = page.events.filter((e) => e.revision >= below);
    return {
      ...page,
      events: this.#faults.renumber === true ? left.map((e, i) => ({ ...e, revision: BigInt(i) })) : left,
    };
  }
}

async function harness(faults: Faults = {}): Promise<EventStoreHarness> {
  const store = new ServerDouble(faults);
  return {
    open: async () => store,
    reopen: async () => store,
    dispose: () => store.close(),
    hang: async () => {
      store.hung = true;
      return async () => void (store.hung = false);
    },
    drop: async () => void (store.failuresLeft = 1),
    kill: async () => void (store.failuresLeft = 3),
    tombstone: async (stream) => void (faults.forgetTombstones !== true && store.gone.add(stream)),
    truncate: async (stream, before) => void store.hiddenBelow.set(stream, before),
  };
}

const outages = eventStoreCases(harness).filter((c) => c.needs !== undefined);
const run = async (number: number, faults: Faults): Promise<void> => {
  const h = await harness(faults);
  try {
    await outages.find((c) => c.number === number)?.run(h);
  } finally {
    await h.dispose();
  }
};

describe('the outage cases of the conformance suite', () => {
  it('are five', () => expect(outages.map((c) => c.number)).toEqual([14, 37, 38, 39, 40]));
  it.each(outages)('$number $name passes on a store that behaves', ({ number }) => run(number, {}));
  it.each([
    [14, { loseAnswers: true }],
    [37, { appendTwice: true }],
    [38, { appendTwice: true }],
    [39, { forgetTombstones: true }],
    [40, { renumber: true }],
  ])('%i fails on a store with %j', async (number, faults) => {
    await expect(run(number, faults)).rejects.toBeDefined();
  });
});
