import { makeFolder, nodeDisk } from './disk.ts';

const failing = (code: string) => ({ ...nodeDisk, mkdir: () => Promise.reject(Object.assign(new Error(code), { code })) });

describe('making a folder', () => {
  it('tells a failing disk as one, although Node calls it a missing parent', async () => {
    await expect(makeFolder(failing('ENOENT'), '/nowhere/at/all')).rejects.toMatchObject({ name: 'Fault', code: 'STORE_READ_ONLY', retryable: true });
  });

  it('gives any other error back as it is', async () => {
    await expect(makeFolder(failing('EACCES'), '/nowhere/at/all')).rejects.toMatchObject({ name: 'Error', code: 'EACCES' });
  });
});
