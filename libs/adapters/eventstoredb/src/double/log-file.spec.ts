import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_STREAM } from './append-check.ts';
import { EventLog } from './log.ts';
import type { Proposed } from './log-record.ts';
import { LogFile } from './log-file.ts';

const event = (n: number): Proposed => ({
  id: `00000000-0000-4000-8000-00000000000${n}`,
  type: 'a',
  isJson: false,
  data: Uint8Array.of(0, 255, n),
  metadata: Uint8Array.of(n),
});

describe('the file of a log', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'maestro-esdb-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back every commit at the same positions, without the line that was cut short', () => {
    const path = join(folder, 'log');
    const file = new LogFile(path);
    const log = new EventLog(file);
    log.append('é-1', NO_STREAM, [event(1), event(2)]);
    log.append('é-1', 1n, [event(3)]);
    log.delete('é-1', 2n, { hard: true });
    file.close();
    appendFileSync(path, '{"createdMs":1,"records":[{"id":"torn');
    const again = new LogFile(path);
    const copy = new EventLog(again);
    expect(copy.records).toEqual(log.records);
    expect(copy.append('b-1', NO_STREAM, [event(4)])).toMatchObject({ kind: 'done', revision: 0n });
    again.close();
    const third = new LogFile(path);
    expect(new EventLog(third).records).toEqual(copy.records);
    third.close();
  });
});
