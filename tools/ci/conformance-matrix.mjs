// Joins what the conformance suites wrote ({port, adapter, cases: name → status, reasons?}) into one table per port.
// A case is `ok`, or does not apply for a stated reason; anything else, or a case that one adapter lacks, is a gap.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = process.env.MAESTRO_CONFORMANCE_DIR ?? fileURLToPath(new URL('../../.cache/conformance', import.meta.url));
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).sort() : [];
const reports = files.map((name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')));
const gaps = [];

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
  console.log(`\n${port.padEnd(width)}${ofPort.map((each) => each.adapter.padEnd(16)).join('')}`);
  for (const name of names) console.log(`${name.padEnd(width)}${ofPort.map((each) => cell(each, name, notes).padEnd(16)).join('')}`);
  for (const note of notes) console.log(note);
}
for (const gap of gaps) console.log(`gap: ${gap}`);
if (reports.length === 0) gaps.push('no report');
const cases = reports.reduce((sum, each) => sum + Object.keys(each.cases).length, 0);
console.log(`\nconformance: ${reports.length} adapters, ${cases} cases, ${gaps.length} gaps`);
process.exitCode = gaps.length === 0 ? 0 : 1;
