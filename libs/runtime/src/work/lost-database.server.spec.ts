import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@maestro/adapter-memory';
import { openPostgres, openPostgresReadModels } from '@maestro/adapter-postgres';
import type { PostgresDatabase } from '@maestro/adapter-postgres';
import type { ReadModels } from '@maestro/ports';
import { manifest, task } from '../../fixtures/commands.ts';
import { freshRows, storedRows } from '../../fixtures/fresh-rows.ts';
import { startPostgresServer } from '../../fixtures/postgres.ts';
import type { PostgresServer } from '../../fixtures/postgres.ts';
import { World } from '../../fixtures/world.ts';
import { projectViews } from './project-views.ts';

const METRICS = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
const LOOKS_MAX = 600;
/** A bound for what hangs: a busy machine takes ten times as long as an idle one. */
const WITHIN_MS = 180_000;

let server: PostgresServer;
beforeAll(async () => (server = await startPostgresServer()));
afterAll(() => server.dispose());

/** A projector process: its own connections, its own loop. */
class Projector {
  readonly views: ReadModels;
  readonly #stop = new AbortController();
  readonly #database: PostgresDatabase;
  readonly #run: Promise<void>;

  constructor(world: World, database: PostgresDatabase, views: ReadModels) {
    this.#database = database;
    this.views = views;
    this.#run = projectViews({ store: world.life.store, views, clock: systemClock, metrics: METRICS, log: world.log }, this.#stop.signal);
  }

  static async start(world: World, connectionString: string): Promise<Projector> {
    const database = await openPostgres({ connectionString });
    return new Projector(world, database, await openPostgresReadModels(database));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#run;
    await this.#database.close();
  }
}

/** Sooner or later the rows are what a fresh fold of the history says. */
async function expectFresh(world: World, views: ReadModels): Promise<void> {
  for (let look = 1; ; look += 1) {
    try {
      expect(await storedRows({ views })).toEqual(freshRows(world));
      return;
    } catch (error) {
      if (look === LOOKS_MAX) throw error;
    }
    await delay(50);
  }
}

async function happens(world: World, what: string): Promise<void> {
  await world.started(what);
  for (let i = 0; i < 10; i += 1) await world.settle();
}

it('read models on Postgres: two projectors, one of which dies, a restart, and the loss of the database; the rows are always those of a fresh fold', async () => {
  const world = await World.open({ roles: ['policy', 'runner', 'receipt'] });
  await world.published(manifest([task('a'), task('b', ['a'])]));
  for (let i = 0; i < 3; i += 1) await happens(world, `before ${i}`);
  const url = await server.freshDatabase();
  const [one, other] = await Promise.all([Projector.start(world, url), Projector.start(world, url)]);
  for (let i = 0; i < 3; i += 1) await happens(world, `with two ${i}`);
  await expectFresh(world, other.views);

  await one.end();
  await happens(world, 'with the other one');
  await expectFresh(world, other.views);

  await server.kill();
  await happens(world, 'while Postgres is away');
  await server.restart();
  await expectFresh(world, other.views);

  const name = new URL(url).pathname.slice(1);
  await server.sql(server.url(), `DROP DATABASE ${name} WITH (FORCE)`, `CREATE DATABASE ${name}`);
  // nothing happens: the projector hears of the loss by itself
  await expectFresh(world, other.views);
  await happens(world, 'after the loss');
  await expectFresh(world, other.views);
  expect(freshRows(world).execution).toHaveLength(9);
  await other.end();
}, WITHIN_MS);
