import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { METRICS, openMetrics } from './metrics.ts';

const page = readFileSync(fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url)), 'utf8');

/** Names of `# TYPE` lines. */
const namesOf = (text: string): readonly string[] => [...text.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1] as string);

describe('the page of metrics', () => {
  it('holds every metric of the table, with its unit last in its name', async () => {
    const names = namesOf(await openMetrics().text());
    expect(Object.keys(METRICS).filter((name) => !names.includes(name))).toEqual([]);
    for (const [name, { kind }] of Object.entries(METRICS)) {
      expect([name, kind === 'counter', kind === 'histogram' && !name.endsWith('_ms')]).toEqual([name, name.endsWith('_total'), false]);
    }
  });
  it('holds what the client library adds, as docs/metrics.md lists it', async () => {
    const added = namesOf(await openMetrics().text()).filter((name) => !(name in METRICS));
    const listed = [...page.slice(page.indexOf('## Of the process')).matchAll(/`((?:process|nodejs)_\w+)`/g)].map((match) => match[1]);
    expect(added.length).toBeGreaterThan(20);
    expect(added.filter((name) => !listed.includes(name))).toEqual([]);
  });
  it('counts, sets and observes by label', async () => {
    const metrics = openMetrics();
    metrics.count('mc_commands_total', 2, { type: 't', outcome: 'ok' });
    metrics.gauge('mc_open_runs', 3);
    metrics.observe('mc_append_ms', 4, { outcome: 'appended' });
    const text = await metrics.text();
    expect(text).toContain('mc_commands_total{type="t",outcome="ok"} 2');
    expect(text).toContain('mc_open_runs 3');
    expect(text).toContain('mc_append_ms_bucket{le="5",outcome="appended"} 1');
    expect(text).toContain('mc_append_ms_bucket{le="2",outcome="appended"} 0');
  });
  it('is served although a sample fails, a name is unknown or of another kind', async () => {
    const metrics = openMetrics();
    metrics.onScrape(() => Promise.reject(new Error('closed')));
    metrics.onScrape(async () => metrics.gauge('mc_open_intents', 5));
    metrics.count('mc_open_runs');
    metrics.count('mc_nothing');
    expect(await metrics.text()).toContain('mc_open_intents 5');
  });
});
