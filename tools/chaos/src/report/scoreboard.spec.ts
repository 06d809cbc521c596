import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HarnessResult } from '../harness-result.ts';
import { writeHarnessResult } from '../harness-result.ts';
import { SOURCES, scoreboardOf } from './scoreboard.ts';

/** What each harness writes, at its floors and green. */
const GREEN: { readonly [harness: string]: HarnessResult['figures'] } = {
  sim: {
    seeds: 2_000,
    acknowledged: 20_000,
    noticedLosses: 30,
    faults: Object.fromEntries(
      ['crash', 'crash-before', 'crash-after', 'stop', 'fail-before', 'fail-after', 'unknown-outcome', 'broken-stream', 'lost-settlement', 'delay', 'duplicate', 'late-duplicate', 'late-item', 'reorder', 'disk-full', 'lost-tail', 'clock-jump', 'clock-frozen'].map((kind) => [kind, 30]),
    ),
    planted: Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => [name, { seed: 1, by: 'RUN_OPEN' }])),
  },
  syscall: { kills: 1_000, lost: 0, recoveryMs: { max: 600 }, ENOSPC: { points: 200, lost: 0, longestRefusalMs: 80 }, EIO: { points: 200, lost: 0, longestRefusalMs: 80 }, fullDisk: { fills: 60, longestResumeMs: 85 } },
  kill: { kills: 200, acknowledged: 5_000, stallMaxMs: 3_000 },
  network: { faultCount: 300, acknowledged: 500, stallMaxMs: 3_000, faults: Object.fromEntries(['cut-request', 'cut-answer', 'cut-later', 'delay', 'slice', 'half-open', 'twice', 'partition'].map((kind) => [kind, 40])) },
  cluster: { faultCount: 300, acknowledged: 2_000, scenarios: { 'kill-role': { fault: 'kill -9 of a role', count: 60, lost: 0, doubled: 0, stallMs: 5_000 }, links: { fault: 'link harmed', count: 12, lost: 0, doubled: 0, stallMs: 4_000 } } },
  bitflip: { 'event store': { flips: 1_000, detected: 900, alteredNothing: 100, undetected: 0, unnamed: 0 } },
  tamper: { changes: 20_000, attacks: 100, accepted: 0, judged: [{ name: 'one', right: 'MALFORMED', got: 'MALFORMED' }] },
  soak: { minutes: 3, runs: 1_000, errors: 0, loopDelayMaxMs: 100 },
};

describe('the scoreboard', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-report-'));
    for (const harness of Object.keys(SOURCES)) write(harness);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(harness: string, change: object = {}, violations: readonly string[] = []): void {
    writeHarnessResult({ harness, seed: '7', seconds: 1, figures: { ...GREEN[harness], ...change }, floors: {}, violations }, folder);
  }

  it('is complete where every harness is green and at its floors', () => {
    const { sections, problems } = scoreboardOf(folder);
    expect(problems).toEqual([]);
    expect(sections.map(({ harness, rows }) => [harness, rows.length])).toEqual([['sim', 7], ['syscall', 4], ['kill', 1], ['network', 5], ['cluster', 2], ['bitflip', 1], ['tamper', 2], ['soak', 1]]);
    expect(sections.flatMap(({ rows }) => rows).find(({ fault }) => fault.startsWith('process dies at any'))).toEqual({ fault: 'process dies at any moment, before or after any call', count: 90, lost: 0, doubled: 0, undetected: null, stallMs: null });
  });

  it.each(Object.keys(SOURCES))('refuses when %s did not run', (harness) => {
    rmSync(join(folder, `${harness}.json`));
    expect(scoreboardOf(folder).problems).toEqual([`no figures of ${harness}: run ./maestro chaos ${harness} first`]);
  });

  it.each(['{', 'null', '{"harness":"kill"}', '{"harness":"sim","seed":"1","seconds":1,"figures":{},"floors":{},"violations":[]}'])('refuses a file of %s', (text) => {
    writeFileSync(join(folder, 'kill.json'), text);
    expect(scoreboardOf(folder).problems).toEqual(['kill.json is not the result of that harness']);
  });

  it.each(['sim', 'syscall', 'kill', 'network', 'cluster', 'bitflip', 'soak'])('refuses figures of %s that it does not know', (harness) => {
    writeHarnessResult({ harness, seed: '', seconds: 1, figures: { other: 1, 'event store': { flips: 2_000 } }, floors: {}, violations: [] }, folder);
    expect(scoreboardOf(folder).problems).toEqual([expect.stringMatching(new RegExp(`^${harness} has no figure `))]);
  });

  it.each([
    ['sim', { seeds: 1_999 }, 'sim: seeds is 1999; less than 2000 shows nothing'],
    ['sim', { planted: { ...(GREEN['sim']?.['planted'] as object), h: null } }, 'sim: the planted fault h was not found'],
    ['sim', { planted: { a: { seed: 1, by: 'RUN_OPEN' } } }, 'sim: 1 planted faults were found; at least 8 are needed'],
    ['syscall', { kills: 999 }, 'syscall: kills is 999; less than 1000 shows nothing'],
    ['kill', { acknowledged: 4_999 }, 'kill: acknowledged is 4999; less than 5000 shows nothing'],
    ['bitflip', { 'event store': { flips: 999, alteredNothing: 0, undetected: 0, unnamed: 0 } }, 'bitflip: 999 flips; less than 1000 shows nothing'],
    ['soak', { minutes: 2 }, 'soak: minutes is 2; less than 3 shows nothing'],
  ])('refuses %s with %j', (harness, change, problem) => {
    write(harness, change);
    expect(scoreboardOf(folder).problems).toContain(problem);
  });

  it.each([
    ['syscall', { lost: 1 }, 'syscall: SIGKILL at a system call of the stores: 1 lost'],
    ['bitflip', { 'event store': { flips: 1_000, alteredNothing: 0, undetected: 1, unnamed: 1 } }, 'bitflip: bit flipped: event store (0 altered nothing): 2 undetected'],
    ['sim', { noticedLosses: 29 }, 'sim: process dies and the end of its log is gone: 1 undetected'],
    ['tamper', { accepted: 1 }, 'tamper: byte of a receipt set changed, removed or added: 1 undetected'],
    ['tamper', { accepted: 1, judged: [{ right: 'MALFORMED', got: 'VERIFIED' }] }, 'tamper: structured attack on a receipt set: 1 undetected'],
    ['cluster', { scenarios: { 'kill-role': { fault: 'kill -9 of a role', count: 60, lost: 1, doubled: 0, stallMs: 1 } } }, 'cluster: kill -9 of a role: 1 lost'],
    ['soak', { errors: 2 }, 'soak: half of the maximum load for 3 minutes (runs): 2 lost'],
  ])('says of %s with %j that a promise is broken, even where its harness does not', (harness, change, problem) => {
    write(harness, change);
    expect(scoreboardOf(folder).problems).toEqual([problem]);
  });

  it('counts what was lost and doubled by the names of violations', () => {
    write('kill', {}, ['ACKNOWLEDGED_LOST execution-1: gone', 'TERMINAL_TWICE execution-2: again', 'REPEATED_OTHERWISE /api: x', 'open files grew']);
    const { sections, problems } = scoreboardOf(folder);
    expect(sections.find(({ harness }) => harness === 'kill')?.rows[0]).toMatchObject({ lost: 1, doubled: 2 });
    expect(problems).toEqual([expect.stringMatching(/^kill: 4 violations, the first: ACKNOWLEDGED_LOST/), 'kill: kill -9 of a conductor under load: 1 lost', 'kill: kill -9 of a conductor under load: 2 doubled']);
  });
});
