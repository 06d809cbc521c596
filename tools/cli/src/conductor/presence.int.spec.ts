import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goldenRun, startFakeConductor } from '../../fixtures/fake-conductor.ts';
import type { FakeConductor } from '../../fixtures/fake-conductor.ts';
import { answers, findConductor } from './presence.ts';

let folder: string;
let server: FakeConductor;
const announce = (text: string): void => writeFileSync(join(folder, 'conductor.json'), text);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maestro-presence-'));
  server = await startFakeConductor(goldenRun('OK-one-task'));
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the conductor of a data folder', () => {
  it('is found where its process lives and it answers', async () => {
    announce(JSON.stringify({ pid: process.pid, url: server.url, startedAt: 'now', version: '1' }));
    expect(await findConductor(folder)).toEqual({ pid: process.pid, url: server.url, startedAt: 'now', version: '1' });
  });

  it.each([
    ['nothing is announced', undefined],
    ['the announcement is damaged', '{"pid":'],
    ['the announcement has another shape', '{"pid":"1","url":"x"}'],
    ['its process is gone', JSON.stringify({ pid: 2 ** 30, url: 'http://127.0.0.1:1' })],
    ['nothing answers at its address', JSON.stringify({ pid: process.pid, url: 'http://127.0.0.1:1' })],
  ])('is not there where %s', async (_, text) => {
    if (text !== undefined) announce(text);
    expect(await findConductor(folder)).toBeUndefined();
  });

  it('is told from any other server by what it says of its health', async () => {
    await server.stop();
    server = await startFakeConductor(goldenRun('OK-one-task'), () => ({ text: 'hello' }));
    expect(await answers(server.url)).toBe(false);
  });
});
