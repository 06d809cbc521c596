import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newEvents } from '@maestro/conformance';
import type { StreamName } from '@maestro/domain';
import type { Version } from '@maestro/ports';
import { openSqliteEventStore } from './event-store.ts';

const APPENDS = 1_500;

describe('reading a stream while the writer thread appends to it', () => {
  it('sees each commit whole or not at all, and never takes the writer for damage', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-reads-'));
    const store = await openSqliteEventStore({ path: join(folder, 'events.db') });
    const stream = 'execution-1' as StreamName;
    let isWriting = true;
    const heads: bigint[] = [];
    const read = async (): Promise<void> => {
      while (isWriting) {
        const page = await store.readStream(stream, { direction: 'backward', limit: 2 });
        if (page.kind === 'page') heads.push(page.version.revision);
        await new Promise(setImmediate);
      }
    };
    const appended = async (expected: Version | 'none'): Promise<Version> => {
      const answer = await store.append(stream, expected, newEvents(2));
      if (answer.kind === 'conflict') throw new Error('nobody else writes');
      return answer.version;
    };
    const write = async (): Promise<void> => {
      let expected: Version | 'none' = 'none';
      try {
        for (let i = 0; i < APPENDS; i++) expected = await appended(expected);
      } finally {
        isWriting = false;
      }
    };
    await Promise.all([read(), write()]);
    await store.close();
    rmSync(folder, { recursive: true });
    expect(heads.length).toBeGreaterThan(100);
    expect(heads.filter((revision) => revision % 2n === 0n)).toEqual([]);
    expect(heads.every((revision, i) => i === 0 || revision >= (heads[i - 1] as bigint))).toBe(true);
  }, 30_000);
});
