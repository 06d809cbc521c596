import { readSettings } from './config.ts';

const settingsOf = (env: Record<string, string>, isTTY = true) =>
  readSettings({ env, stdout: { isTTY }, stderr: { isTTY }, cwd: () => '/users/ada/flows' });

describe('settings of the command line', () => {
  it('keep the trust store with the configuration of the user', () => {
    expect(settingsOf({ HOME: '/users/ada' }).trustStorePath).toBe('/users/ada/.config/maestro/trust.json');
    expect(settingsOf({ HOME: '/users/ada', XDG_CONFIG_HOME: '/cfg' }).trustStorePath).toBe('/cfg/maestro/trust.json');
    expect(settingsOf({ XDG_CONFIG_HOME: '/cfg', MAESTRO_TRUST_STORE: 'mine.json' }).trustStorePath).toBe(
      '/users/ada/flows/mine.json',
    );
  });

  it('work on .maestro unless told otherwise', () => {
    expect(settingsOf({})).toMatchObject({ dataDir: '.maestro', url: undefined });
    expect(settingsOf({ MAESTRO_DATA: '/srv/m', MAESTRO_URL: 'http://h:1' })).toMatchObject({
      dataDir: '/srv/m',
      url: 'http://h:1',
    });
  });

  it('take the data folder of the configuration file where no variable names one', () => {
    const process = { env: {}, stdout: {}, stderr: {}, cwd: () => '/users/ada/flows' };
    expect(readSettings(process, '/srv/configured').dataDir).toBe('/srv/configured');
    expect(readSettings({ ...process, env: { MAESTRO_DATA: '/srv/m' } }, '/srv/configured').dataDir).toBe('/srv/m');
  });

  it('colour a terminal, never a pipe, and never where colours are not wanted', () => {
    expect(settingsOf({}).isOutColored).toBe(true);
    expect(settingsOf({}, false).isOutColored).toBe(false);
    expect(settingsOf({ NO_COLOR: '1' })).toMatchObject({ isOutColored: false, isNoteColored: false });
    expect(settingsOf({ NO_COLOR: '' }).isOutColored).toBe(true);
    expect(settingsOf({ TERM: 'dumb' }).isNoteColored).toBe(false);
  });

  it('redraw progress on a terminal, with or without colours, and nowhere else', () => {
    expect(settingsOf({}).isLive).toBe(true);
    expect(settingsOf({ NO_COLOR: '1' }).isLive).toBe(true);
    expect([settingsOf({}, false).isLive, settingsOf({ CI: 'true' }).isLive, settingsOf({ TERM: 'dumb' }).isLive]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
