// node tools/arch/check.mjs              checks this workspace; exit 1 with one line per finding
// node tools/arch/check.mjs --report     the same, and the table of figures
// node tools/arch/check.mjs --self-test  proves every rule on its bad fixture, and the good one green
import { fileURLToPath } from 'node:url';
import { checkGraph, graphRules } from './graph.mjs';
import { checkImports, importRules } from './import-checks.mjs';
import { checkMeasures, measure, measureRules } from './measure-checks.mjs';
import { limits } from './rules.mjs';
import { checkSyntax, syntaxRules } from './syntax-checks.mjs';
import { readWorkspace } from './workspace.mjs';

/** Every rule by name; each has a fixture. */
export const ruleNames = [...graphRules, ...importRules, ...syntaxRules, ...measureRules];

/** Checks the workspace at `root`. Returns the findings, in order of file and line, and the figures. */
export async function checkWorkspace(root, { limits: bounds = limits, cruise = {} } = {}) {
  const workspace = readWorkspace(root);
  const graph = await checkGraph(workspace, bounds, cruise);
  const measured = measure(workspace);
  const syntax = checkSyntax(workspace);
  const findings = [...graph.findings, ...checkImports(workspace), ...syntax, ...checkMeasures(workspace, measured, bounds)];
  const figures = { ...measured.figures, ...graph.figures, any: syntax.filter((each) => each.rule === 'no-any').length };
  const key = (each) => `${each.file}:${String(each.line ?? 0).padStart(6, '0')}`;
  return { findings: findings.sort((a, b) => (key(a) < key(b) ? -1 : 1)), figures };
}

function report(figures) {
  const rows = [
    ['packages’ modules in the graph, dependencies', `${figures.modules}, ${figures.dependencies}`],
    ['source files, lines', `${figures.files}, ${figures.lines}`],
    ['lines of a file: median, p95, max', `${figures.fileMedian}, ${figures.fileP95}, ${figures.fileMax}`],
    ['lines of a function: p95, max (of)', `${figures.functionP95}, ${figures.functionMax} (${figures.functions})`],
    ['import cycles', figures.cycles],
    ['any', figures.any],
    ['comment share', `${figures.commentPercent.toFixed(1)} %`],
    ['spec files, lines', `${figures.specFiles}, ${figures.specLines}`],
    ['test : source', (figures.specLines / Math.max(1, figures.lines)).toFixed(2)],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(46)}${value}`);
}

async function main(args) {
  if (args.includes('--self-test')) {
    const { selfTest } = await import('./self-test.mjs');
    return selfTest(ruleNames, checkWorkspace);
  }
  const { findings, figures } = await checkWorkspace(fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''));
  for (const { rule, file, line, message } of findings) console.log(`${rule}  ${file}${line ? `:${line}` : ''}  ${message}`);
  if (args.includes('--report')) report(figures);
  console.log(`arch: ${findings.length} findings, ${ruleNames.length} rules, ${figures.files} source files`);
  return findings.length === 0;
}

if (import.meta.main) process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
