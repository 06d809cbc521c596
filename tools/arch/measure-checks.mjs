// Sizes, depth, names and comment share, and the table of figures.
import { posix } from 'node:path';
import ts from 'typescript';
import { emptyWords } from './rules.mjs';

export const measureRules = [
  'file-size',
  'file-size-median',
  'file-size-p95',
  'function-size',
  'function-size-p95',
  'comment-share',
  'src-depth',
  'file-name',
];

/** The value below which `share` (0..1) of the numbers lie; 0 for none. */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

const isSuiteCall = (node) => ts.isCallExpression(node) && /^(describe|it|test|before|after)/.test(node.expression.getText());

/** Functions with a body of statements; the callbacks of describe and it are tables of cases, not functions. */
function functionsOf(file) {
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body && ts.isBlock(node.body) && !isSuiteCall(node.parent)) {
      const first = file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line;
      const last = file.tree.getLineAndCharacterOfPosition(node.end).line;
      const name = node.name?.getText() ?? node.parent.name?.getText?.() ?? 'function';
      found.push({ path: file.path, name, line: first + 1, lines: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(file.tree);
  return found;
}

/** Lines that hold only comment text. */
function commentLines(file) {
  let inBlock = false;
  return file.lines.filter((text) => {
    const line = text.trim();
    const counts = inBlock || line.startsWith('//') || line.startsWith('/*');
    if (inBlock || line.startsWith('/*')) inBlock = !line.includes('*/');
    return counts;
  }).length;
}

/** Measures the packages' own code; generated code is left out. */
export function measure(workspace) {
  const sources = workspace.files.filter((file) => file.kind === 'source');
  const specs = workspace.files.filter((file) => file.kind === 'spec');
  const scripts = workspace.files.filter((file) => file.kind === 'script');
  const sum = (files) => files.reduce((total, file) => total + file.lines.length, 0);
  const functions = sources.flatMap(functionsOf);
  const lines = sum(sources);
  return {
    sources,
    functions,
    hardFiles: [...sources, ...specs, ...scripts],
    hardFunctions: [...functions, ...scripts.flatMap(functionsOf)],
    figures: {
      files: sources.length,
      lines,
      fileMedian: quantile(sources.map((file) => file.lines.length), 0.5),
      fileP95: quantile(sources.map((file) => file.lines.length), 0.95),
      fileMax: Math.max(0, ...sources.map((file) => file.lines.length)),
      functions: functions.length,
      functionP95: quantile(functions.map((each) => each.lines), 0.95),
      functionMax: Math.max(0, ...functions.map((each) => each.lines)),
      commentPercent: lines ? (100 * sources.reduce((total, file) => total + commentLines(file), 0)) / lines : 0,
      specFiles: specs.length,
      specLines: sum(specs),
    },
  };
}

function* checkPath(path, limits) {
  const inside = path.replace(/^.*?\/src\//, '');
  const depth = inside.split('/').length - 1;
  if (depth > limits.depthBelowSrcMax) yield ['src-depth', `${depth} folders below src (at most ${limits.depthBelowSrcMax})`];
  for (const part of inside.split('/')) {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/.test(part)) yield ['file-name', `${part} is not kebab-case`];
    const empty = part.split(/[-.]/).find((word) => emptyWords.includes(word));
    if (empty) yield ['file-name', `'${empty}' in ${posix.basename(path)} says nothing about what it holds`];
  }
}

function* checkTotals({ figures }, limits) {
  const over = (rule, what, value, max) => (value > max ? [[rule, `${what} is ${value}, at most ${max}`]] : []);
  yield* over('file-size-median', 'the median file, in lines,', figures.fileMedian, limits.fileLinesMedianMax);
  yield* over('file-size-p95', 'the 95th percentile file, in lines,', figures.fileP95, limits.fileLinesP95Max);
  yield* over('function-size-p95', 'the 95th percentile function, in lines,', figures.functionP95, limits.functionLinesP95Max);
  const share = figures.commentPercent;
  if (share < limits.commentSharePercentMin || share > limits.commentSharePercentMax) {
    yield ['comment-share', `${share.toFixed(1)} % of lines are comments (${limits.commentSharePercentMin} to ${limits.commentSharePercentMax})`];
  }
}

/** Checks a measured workspace against the limits. */
export function checkMeasures(workspace, measured, limits) {
  const findings = [];
  const add = (file, line, [rule, message]) => findings.push({ rule, file, ...(line && { line }), message });
  for (const file of measured.hardFiles) {
    if (file.lines.length > limits.fileLinesMax) add(file.path, 0, ['file-size', `${file.lines.length} lines, at most ${limits.fileLinesMax}`]);
  }
  for (const { path, name, line, lines } of measured.hardFunctions) {
    if (lines > limits.functionLinesMax) add(path, line, ['function-size', `${name} has ${lines} lines, at most ${limits.functionLinesMax}`]);
  }
  for (const file of workspace.files) {
    if (file.owner) for (const finding of checkPath(file.path, limits)) add(file.path, 0, finding);
  }
  for (const finding of checkTotals(measured, limits)) add('.', 0, finding);
  return findings;
}
