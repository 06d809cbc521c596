// Holds the documents against the program: every code and every metric has its row, every relative link leads somewhere, every
// command of the README that is marked as runnable names files that exist.
//   node tools/docs/check.mjs               checks this repository
//   node tools/docs/check.mjs --self-test   proves that each kind of fault is found, on tools/docs/fixtures
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anchors, codeOf, fencedBlocks, links, tableRows } from './markdown.mjs';
import { versionsIn } from './schema-versions.mjs';
import { codesIn, exitCodesIn, metricsIn, statusesIn } from './source-facts.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const read = (root, path) => readFileSync(`${root}/${path}`, 'utf8');

/** Rows whose first cell is a code span: name → row. A name that stands twice is a fault. */
function rowsByName(root, path, faults) {
  const rows = new Map();
  for (const row of tableRows(read(root, path))) {
    const name = codeOf(row.cells[0]);
    if (name === undefined) continue;
    if (rows.has(name)) faults.push(`${path}:${row.line}: ${name} has a row already, in line ${rows.get(name).line}`);
    else rows.set(name, row);
  }
  return rows;
}

/** docs/errors.md: one row per code, `| code | where | HTTP | meaning | what to do |`; and the exit codes. */
function checkErrors(root) {
  const path = 'docs/errors.md';
  const faults = [];
  const rows = rowsByName(root, path, faults);
  const codes = codesIn(root);
  const statuses = statusesIn(root);
  for (const [code, file] of codes) if (!rows.has(code)) faults.push(`${path}: ${code} has no row (${file})`);
  for (const [name, { cells, line }] of rows) {
    if (/^\d+$/.test(name)) continue;
    if (!codes.has(name)) faults.push(`${path}:${line}: no source holds ${name}`);
    if (cells.length !== 5 || cells.some((cell) => cell === '')) faults.push(`${path}:${line}: ${name} needs five filled cells`);
    const expected = statuses.has(name) ? String(statuses.get(name)) : '–';
    if (codes.has(name) && cells[2] !== expected) faults.push(`${path}:${line}: ${name} is answered with ${expected}, not ${cells[2]}`);
  }
  const shown = new Set([...rows.keys()].filter((name) => /^\d+$/.test(name)).map(Number));
  const known = exitCodesIn(root);
  for (const code of known) if (!shown.has(code)) faults.push(`${path}: exit code ${code} has no row`);
  for (const code of shown) if (!known.includes(code)) faults.push(`${path}: no verb ends with exit code ${code}`);
  return { faults, count: `${codes.size} codes` };
}

/** docs/metrics.md: `| name | kind | labels | unit | meaning |`. */
function checkMetrics(root) {
  const path = 'docs/metrics.md';
  const faults = [];
  const rows = rowsByName(root, path, faults);
  const metrics = metricsIn(root);
  for (const [name, { kind, labels }] of metrics) {
    const row = rows.get(name);
    if (row === undefined) {
      faults.push(`${path}: ${name} has no row`);
      continue;
    }
    const shown = [...(row.cells[2] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1]);
    if (row.cells[1] !== kind) faults.push(`${path}:${row.line}: ${name} is a ${kind}, not a ${row.cells[1]}`);
    if (shown.join() !== labels.join()) faults.push(`${path}:${row.line}: labels of ${name} are ${labels.join(', ') || 'none'}`);
  }
  for (const [name, { line }] of rows) if (!metrics.has(name)) faults.push(`${path}:${line}: the program has no metric ${name}`);
  return { faults, count: `${metrics.size} metrics` };
}

/** Markdown of the repository: tracked, or new and not ignored; without fixtures. */
function documentsOf(root, isRepository) {
  const listed = isRepository
    ? execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z', '*.md'], { cwd: root, encoding: 'utf8' }).split('\0')
    : readdirSync(root, { recursive: true }).map((file) => String(file).replaceAll('\\', '/'));
  return [...new Set(listed)].filter((file) => file.endsWith('.md') && !/(^|\/)fixtures\//.test(file) && existsSync(`${root}/${file}`)).sort();
}

function checkLinks(root, isRepository) {
  const documents = documentsOf(root, isRepository);
  let count = 0;
  const faults = documents.flatMap((document) =>
    links(read(root, document)).flatMap(({ target, line }) => {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
      count += 1;
      const [file, anchor] = target.split('#');
      const path = file === '' ? document : normalize(join(dirname(document), decodeURIComponent(file)));
      if (path.startsWith('..') || !existsSync(`${root}/${path}`)) return [`${document}:${line}: ${target} leads nowhere`];
      if (anchor === undefined || !path.endsWith('.md') || statSync(`${root}/${path}`).isDirectory()) return [];
      return anchors(read(root, path)).includes(anchor) ? [] : [`${document}:${line}: ${path} has no heading #${anchor}`];
    }),
  );
  return { faults, count: `${count} links in ${documents.length} documents` };
}

/** docs/compatibility.md: `| what | now | … |` says what the sources say; every versioned thing has a row. */
function checkVersions(root) {
  const path = 'docs/compatibility.md';
  if (!existsSync(`${root}/${path}`)) return { faults: [`${path} is missing`], count: '0 versions' };
  const faults = [];
  const rows = rowsByName(root, path, faults);
  const versions = versionsIn(root);
  for (const [name, version] of versions) {
    const row = rows.get(name);
    if (row === undefined) faults.push(`${path}: ${name} has no row`);
    else if (row.cells[1] !== version) faults.push(`${path}:${row.line}: ${name} is at version ${version}, not ${row.cells[1]}`);
  }
  return { faults, count: `${versions.size} versions` };
}

const placeLike = /^(\.\/)?[\w.@-]+(\/[\w.@-]+)*\/?$/;

/** Files and folders that commands make: what follows a redirection, an option for output, or mkdir. */
function madeBy(script) {
  return [...script.matchAll(/(?:>|\s-o|--out|mkdir -p)\s+([\w./-]+)/g)].map((match) => match[1].replace(/\/$/, ''));
}

/** Files that a shell block names: words with a slash, or with an ending that files have. */
function namedFiles(script) {
  const words = script.replace(/#.*$/gm, '').replace(/\\\n/g, ' ').split(/[\s;|&()"']+/).map((word) => word.replace(/^@/, ''));
  const isPlace = (word) => placeLike.test(word) && (word.includes('/') || /\.(yaml|json|sh|md|mjs|pub)$/.test(word));
  return words.filter((word) => isPlace(word) && !/^(application|text)\//.test(word));
}

/** Blocks with the info string `sh run` are commands that a reader can paste as they stand, one after the other. */
function checkCommands(root) {
  const blocks = fencedBlocks(read(root, 'README.md')).filter(({ info }) => info === 'sh run');
  const faults = blocks.length === 0 ? ['README.md: no block is marked `sh run`'] : [];
  const made = blocks.flatMap(({ text }) => madeBy(text));
  for (const { text, line } of blocks) {
    for (const file of namedFiles(text)) {
      const isMade = made.some((each) => file.replace(/\/$/, '') === each || file.startsWith(`${each}/`));
      if (!isMade && !existsSync(`${root}/${file}`)) faults.push(`README.md:${line}: ${file} does not exist`);
    }
  }
  return { faults, count: `${blocks.length} runnable blocks` };
}

function check(root, isRepository) {
  const results = [checkErrors(root), checkMetrics(root), checkVersions(root), checkLinks(root, isRepository), checkCommands(root)];
  return { faults: results.flatMap(({ faults }) => faults), counts: results.map(({ count }) => count) };
}

/** `fixtures/good` has no fault; with the files of `fixtures/bad` over it, it has exactly the ones of `fixtures/expected.txt`. */
function selfTest() {
  const fixtures = `${repository}/tools/docs/fixtures`;
  const expected = read(fixtures, 'expected.txt').split('\n').filter(Boolean);
  const root = mkdtempSync(join(tmpdir(), 'docs-self-test-'));
  try {
    cpSync(`${fixtures}/good`, root, { recursive: true });
    const good = check(root, false).faults;
    cpSync(`${fixtures}/bad`, root, { recursive: true });
    const bad = check(root, false).faults;
    const faults = [
      ...good.map((fault) => `found in the sound fixture: ${fault}`),
      ...expected.filter((fault) => !bad.includes(fault)).map((fault) => `not found: ${fault}`),
      ...bad.filter((fault) => !expected.includes(fault)).map((fault) => `not expected: ${fault}`),
    ];
    return { faults, counts: [`${expected.length} planted faults found`] };
  } finally {
    rmSync(root, { recursive: true });
  }
}

const isSelfTest = process.argv.includes('--self-test');
const { faults, counts } = isSelfTest ? selfTest() : check(repository, true);
for (const fault of faults) console.log(fault);
console.log(`docs${isSelfTest ? ' self-test' : ''}: ${counts.join(', ')}, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
