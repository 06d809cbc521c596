import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodeOf, writeHarnessResult } from './harness-result.ts';

describe('the result of a harness', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-result-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const result = { harness: 'shake', seed: '7', seconds: 1, figures: { apples: 3 }, floors: { apples: 2 }, violations: [] };

  it('is one file by the name of the harness, the latest run only', () => {
    writeHarnessResult({ ...result, seed: '6' }, join(folder, 'new'));
    const path = writeHarnessResult(result, join(folder, 'new'));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(result);
    expect(readdirSync(join(folder, 'new'))).toEqual(['shake.json']);
  });

  it('is green without a violation only', () => {
    expect(exitCodeOf(result)).toBe(0);
    expect(exitCodeOf({ violations: ['one apple fell twice'] })).toBe(1);
  });
});
