import { bitflipResult, linesOf } from './bitflip-result.ts';
import type { Flipped, Judged } from './bitflip-result.ts';
import type { DoctorCase } from './doctor-cases.ts';
import type { Verdict } from './judge.ts';

const FLOORS = { flipsMin: 3, detectedMin: 1, eventsMin: 100, doctoredMin: 2, repairedMin: 1 };
const judged = (kind: Verdict['kind'], of = 'read models'): Judged => ({ flip: { kind: of, path: 'views.db', offset: 7, bit: 1 }, verdict: { kind, question: 'rows', detail: 'why' } });
const doctored = (outcome: DoctorCase['outcome'], violation: string | null = null): DoctorCase => ({ flip: judged('detected').flip, outcome, violation });

function flipped(change: Partial<Flipped> = {}): Flipped {
  return { seed: '7', seconds: 1.2, eventCount: 100, judged: [judged('detected'), judged('detected', 'event store'), judged('same')], doctored: [doctored('repaired'), doctored('told')], floors: FLOORS, ...change };
}

describe('the result of a bit flip run', () => {
  it('counts by kind of file, and names nothing where all is as promised', () => {
    const result = bitflipResult(flipped());
    expect(result).toMatchObject({ harness: 'bitflip', seed: '7', seconds: 1, violations: [] });
    expect(result.figures).toEqual({
      'event store': { flips: 1, detected: 1, alteredNothing: 0, undetected: 0, unnamed: 0 },
      'read models': { flips: 2, detected: 1, alteredNothing: 1, undetected: 0, unnamed: 0 },
      events: 100,
      shownToDoctor: 2,
      repairedByDoctor: 1,
    });
    expect(linesOf(result)).toHaveLength(2);
    expect(linesOf(result)[1]).toMatch(/^read models +2 flips, +1 detected, +1 altered nothing, 0 undetected, 0 without name or code$/);
  });
  it.each<[string, Partial<Flipped>, string]>([
    ['what was served', { judged: [...flipped().judged, judged('served')] }, 'served: read models, views.db offset 7 bit 1: rows: why'],
    ['what names no place', { judged: [...flipped().judged, judged('unnamed')] }, 'unnamed: read models, views.db offset 7 bit 1: rows: why'],
    ['an error without a code', { judged: [...flipped().judged, judged('uncoded')] }, 'uncoded: read models, views.db offset 7 bit 1: rows: why'],
    ['what the doctor did not do', { doctored: [doctored('repaired'), doctored('told', 'not named')] }, 'doctor: read models, views.db offset 7 bit 1: not named'],
    ['too few flips', { judged: flipped().judged.slice(0, 2) }, '2 flips, at least 3 are needed'],
    ['a short history', { eventCount: 99 }, '99 events in the history, at least 100 are needed'],
    ['a doctor who was shown too little', { doctored: [doctored('repaired')] }, '1 folders shown to the doctor, at least 2 are needed'],
    ['a doctor who repairs nothing', { doctored: [doctored('told'), doctored('told')] }, '0 folders that the doctor has repaired, at least 1 are needed'],
    ['a kind of file that nobody reads', { judged: [...flipped().judged, ...Array.from({ length: 10 }, () => judged('same', 'data keys'))] }, 'data keys: none of 10 flips was detected: it is not read by the harness'],
  ])('names %s', (_, change, violation) => {
    expect(bitflipResult(flipped(change)).violations).toEqual([violation]);
  });
});
