import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { someUser } from '../fixtures/command-line.ts';
import { configuredDataDir } from './config-file.ts';

let user: ReturnType<typeof someUser>;
beforeEach(() => {
  user = someUser();
});
afterEach(() => user.leave());
const write = (path: string, text: string): void => writeFileSync(join(user.folder, path), text);

describe('the data folder of a configuration file', () => {
  it('is relative to the file, wherever that is', async () => {
    mkdirSync(join(user.folder, 'conf'));
    write('conf/m.yaml', 'port: 1\ndata: events # ours\n');
    expect(await configuredDataDir({ MAESTRO_CONFIG: 'conf/m.yaml' }, user.folder)).toBe(join(user.folder, 'conf', 'events'));
    write('maestro.yaml', '{"port": 1, "data": "/srv/m"}');
    expect(await configuredDataDir({}, user.folder)).toBe('/srv/m');
  });

  it.each(['', 'port: 1\n', '# data: x\n', 'data: 3\n', 'data: [\n', 'data: ""\n'])('is none in %j', async (text) => {
    write('maestro.yaml', text);
    expect(await configuredDataDir({}, user.folder)).toBeUndefined();
  });

  it('is none where there is no file', async () => expect(await configuredDataDir({}, user.folder)).toBeUndefined());
});
