import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const golden = join(repository, 'contracts/golden');
const sound = join(golden, 'receipts/OK-one-task');
const key = join(golden, 'receipts/trust/signing.pub');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'maestro-readers-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A copy of a sound set with one byte of one file changed. */
function flipped(file: string, index: number): string {
  const folder = join(root, 'set');
  cpSync(sound, folder, { recursive: true });
  const bytes = readFileSync(join(folder, file));
  bytes.writeUInt8(bytes.readUInt8(index) ^ 1, index);
  writeFileSync(join(folder, file), bytes);
  return folder;
}

describe('stock cosign', () => {
  const cosign = process.env['MAESTRO_COSIGN'] ?? join(homedir(), '.cache/maestro/tools/cosign-3.1.2/cosign');
  const check = (folder: string, publicKey = key) =>
    spawnSync(join(repository, 'tools/verify_receipt.sh'), [folder, publicKey], { encoding: 'utf8', env: { ...process.env, COSIGN: cosign } });

  it('is there', () => {
    expect(existsSync(cosign)).toBe(true);
  });

  it.each(readdirSync(join(golden, 'receipts')).filter((name) => name.startsWith('OK-')))('accepts %s', (name) => {
    const { status, stdout, stderr } = check(join(golden, 'receipts', name));
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('Verified OK') });
    expect(stdout).toContain('receipt.json: as signed');
  });

  it('refuses another key', () => {
    expect(check(sound, join(golden, 'receipts/trust/second.pub')).status).not.toBe(0);
  });

  it('refuses a changed byte in the bundle and in every file that the statement names', () => {
    const payloadAt = readFileSync(join(sound, 'receipt.sigstore.json'), 'utf8').indexOf('"payload":"') + 400;
    expect(check(flipped('receipt.sigstore.json', payloadAt)).status).not.toBe(0);
    for (const file of ['events.jsonl', 'manifest.json', 'receipt.json']) expect([file, check(flipped(file, 40)).status]).not.toEqual([file, 0]);
  });
});

describe('the second reader', () => {
  const read = (...files: string[]) => spawnSync('python3', [join(repository, 'tools/second_reader.py'), ...files], { encoding: 'utf8' });
  const histories = readdirSync(join(golden, 'histories')).flatMap((file) => (file.endsWith('.jsonl') ? [join(golden, 'histories', file)] : []));

  it('agrees on every golden history', () => {
    const { status, stdout } = read(...histories);
    expect(stdout.trim().split('\n').filter((line) => !line.startsWith('ok '))).toEqual([]);
    expect(status).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(histories.length);
  });

  it('agrees on an exported set, and on no changed one', () => {
    expect(read(join(sound, 'events.jsonl')).status).toBe(0);
    const bytes = readFileSync(join(sound, 'events.jsonl')).length;
    for (const index of [3, 200, Math.floor(bytes / 2), bytes - 40, bytes - 1]) expect([index, read(join(flipped('events.jsonl', index), 'events.jsonl')).status]).toEqual([index, 1]);
  });

  it.each(['expected', 'seals'])('sees a changed %s file', (kind) => {
    for (const ending of ['jsonl', 'seals.json', 'expected.json']) cpSync(join(golden, `histories/one-task.${ending}`), join(root, `one-task.${ending}`));
    const file = join(root, `one-task.${kind}.json`);
    writeFileSync(file, readFileSync(file, 'utf8').replace(kind === 'seals' ? '"world"' : '"count": 7', kind === 'seals' ? '"moon"' : '"count": 8'));
    expect(read(join(root, 'one-task.jsonl')).status).toBe(1);
  });

  it('fails without a history', () => {
    expect(read().status).toBe(1);
    expect(read(join(root, 'nowhere.jsonl')).status).toBe(1);
  });
});
