import { parseTracingSettings } from './settings.ts';
import type { TracingSettingsInput } from './settings.ts';

const needed = { url: 'http://127.0.0.1:4318/v1/traces', serviceName: 'maestro-runner' };
const problemsOf = (input: unknown): readonly string[] => {
  const parsed = parseTracingSettings(input as TracingSettingsInput);
  return 'problems' in parsed ? parsed.problems : [];
};

describe('settings of tracing', () => {
  it('need an address and a name; the rest has defaults', () => {
    expect(parseTracingSettings(needed)).toEqual({ settings: { ...needed, sampleRatio: 1, headers: {}, queueMax: 2_048, exportEveryMs: 1_000, exportTimeoutMs: 2_000 } });
  });

  it.each([
    ['url', ['https://collector.example/v1/traces'], ['collector:4318', 'ftp://x', 'http://user:pw@x/', 7]],
    ['serviceName', ['x'], ['', 'two words', 'x'.repeat(129)]],
    ['sampleRatio', [0, 0.25, 1], [-0.1, 1.1, '1', Number.NaN]],
    ['headers', [{ Authorization: 'Bearer x' }], [{ 'no name': 'x' }, { name: 7 }]],
    ['queueMax', [16, 65_536], [15, 65_537, 16.5]],
    ['exportTimeoutMs', [10, 60_000], [9, 60_001]],
  ])('say what is wrong with %s', (name, sound, wrong) => {
    for (const value of sound) expect(problemsOf({ ...needed, [name]: value })).toEqual([]);
    for (const value of wrong) expect(problemsOf({ ...needed, [name]: value })).toEqual([expect.stringMatching(`^${name}: `)]);
  });

  it('never show the value of a header', () => {
    expect(problemsOf({ ...needed, headers: { 'no name': 'Bearer secret' } }).join()).not.toMatch(/secret/);
  });
});
