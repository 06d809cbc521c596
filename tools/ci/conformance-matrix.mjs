// Joins what the conformance suites wrote ({port, adapter, cases: name → status, reasons?}) into one table per port.
// A case is `ok`, or does not apply for a stated reason; anything else, or a case that one adapter lacks, is a gap.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = process.env.MAESTRO_CONFORMANCE_DIR ?? fileURLToPath(new URL('../../.cache/conformance', import.meta.url));
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).sort() : [];
const reports = files.map((name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')));
const gaps = [];

/** Who has to have said something: an adapter whose suite did not run is a gap, and so is one that nobody expects. */
const ADAPTERS = {
  'event-store': ['memory', 'sqlite', 'jetstream-r1', 'jetstream-r3', 'eventstoredb-append', 'eventstoredb-batch'],
  'evidence-store': ['memory', 'filesystem', 's3'],
  'key-vault': ['memory', 'filesystem', 'postgres'],
  leases: ['memory', 'postgres'],
  'process-state': ['memory', 'sqlite', 'postgres'],
  'read-models': ['memory', 'sqlite', 'postgres'],
  signer: ['sigstore'],
  'work-queue': ['memory', 'jetstream'],
};
for (const [port, adapters] of Object.entries(ADAPTERS)) {
  for (const adapter of adapters) if (!reports.some((each) => each.port === port && each.adapter === adapter)) gaps.push(`${port} on ${adapter}: its suite did not run`);
}
for (const { port, adapter } of reports) if (!ADAPTERS[port]?.includes(adapter)) gaps.push(`${port} on ${adapter}: name it in ADAPTERS of this script`);

/** One cell: `ok`, `n/a`, or what is wrong; a reason goes below the table. */
function cell(report, name, notes) {
  const status = report.cases[name];
  if (status === 'ok') return 'ok';
  const reason = report.reasons?.[name] ?? /^n\/a \((.+)\)$/.exec(status ?? '')?.[1];
  if (reason && /^(n\/a|not-applicable)/.test(status)) {
    notes.push(`  ${report.adapter}: ${name}: ${reason}`);
    return 'n/a';
  }
  gaps.push(`${report.port} on ${report.adapter}: ${name} is ${status ?? 'missing'}`);
  return status ?? 'missing';
}

for (const [port, ofPort] of Map.groupBy(reports, (each) => each.port)) {
  const names = [...new Set(ofPort.flatMap((each) => Object.keys(each.cases)))].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  const width = Math.max(...names.map((name) => name.length), port.length) + 2;
  const notes = [];
  const row = (first, cellOf) => console.log(`${first.padEnd(width)}${ofPort.map((each) => cellOf(each).padEnd(each.adapter.length + 2)).join('')}`.trimEnd());
  console.log('');
  row(port, ({ adapter }) => adapter);
  for (const name of names) row(name, (each) => cell(each, name, notes));
  for (const note of notes) console.log(note);
}
for (const gap of gaps) console.log(`gap: ${gap}`);
const cases = reports.reduce((sum, each) => sum + Object.keys(each.cases).length, 0);
console.log(`\nconformance: ${reports.length} adapters, ${cases} cases, ${gaps.length} gaps`);
process.exitCode = gaps.length === 0 ? 0 : 1;
