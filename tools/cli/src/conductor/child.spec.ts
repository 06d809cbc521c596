import { folderCode, reasonIn } from './child.ts';

describe('why a conductor did not start', () => {
  it('is the last line of its own about it', () => {
    const log = '{"level":50,"msg":"x"}\nmaestro: OLD: before\nmaestro: PORT_IN_USE: port 1 is taken: choose another\nnoise';
    expect(reasonIn(log)).toEqual({ code: 'PORT_IN_USE', detail: 'port 1 is taken: choose another' });
  });

  it('is unknown where it says nothing', () => expect(reasonIn('Segmentation fault\nsay maestro: X: y')).toBeUndefined());
});

describe('a data folder that cannot be used', () => {
  it.each([
    ['ENOTDIR', 'DATA_FOLDER_INVALID'],
    ['EACCES', 'DATA_FOLDER_DENIED'],
    ['EROFS', 'DATA_FOLDER_READ_ONLY'],
    ['ENOSPC', 'DATA_FOLDER_FULL'],
    ['ENOENT', 'DATA_FOLDER'],
    ['EIO', 'DATA_FOLDER'],
  ])('for %s has the code %s', (errno, code) => {
    expect(folderCode(Object.assign(new Error(errno), { code: errno }), '/tmp/maestro-none/data')).toBe(code);
  });
});
