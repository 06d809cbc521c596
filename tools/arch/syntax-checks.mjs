// What only the syntax tree shows: purity of pure packages, `any`, `process.env`, and lint switches without a reason.
import { posix } from 'node:path';
import ts from 'typescript';
import { configurationFiles, impureIdentifiers, localeMethods, tags } from './rules.mjs';

export const syntaxRules = [
  'no-any',
  'process-env',
  'disable-says-why',
  'pure-clock',
  'pure-random',
  'pure-async',
  'pure-process',
  'pure-io',
  'pure-locale',
  'pure-state',
];

/** True where an identifier reads a variable, and is not the name of a member or of a declaration. */
function isReference(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent)) return (parent.expression ?? parent.left) === node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return parent.name !== node;
}

/** Names that the file declares itself (parameters, variables, imports): they hide the global of that name. */
function declaredNames(tree) {
  const names = new Set();
  const visit = (node) => {
    if (node.name && ts.isIdentifier(node.name) && !ts.isPropertyAccessExpression(node) && !isMember(node)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return names;
}

function isMember(node) {
  return ts.isPropertySignature(node) || ts.isPropertyAssignment(node) || ts.isMethodSignature(node) || ts.isClassElement(node);
}

function* dateUse(node) {
  const { parent } = node;
  if (ts.isNewExpression(parent) && parent.arguments?.length) return; // an instant that was given
  if (ts.isPropertyAccessExpression(parent) && ['parse', 'UTC', 'prototype'].includes(parent.name.text)) return;
  if (!ts.isTypeReferenceNode(parent)) yield ['pure-clock', 'Date without a given instant'];
}

function* impurity(node, own) {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  if (modifiers.some((each) => each.kind === ts.SyntaxKind.AsyncKeyword)) yield ['pure-async', 'async function'];
  if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) yield ['pure-async', 'await'];
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) yield ['pure-io', 'import()'];
  if (ts.isPropertyAccessExpression(node) && localeMethods.test(node.name.text)) yield ['pure-locale', node.name.text];
  if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') yield ['pure-random', 'Math.random'];
  if (ts.isVariableStatement(node) && ts.isSourceFile(node.parent) && !(node.declarationList.flags & ts.NodeFlags.Const)) {
    yield ['pure-state', 'a module variable that can change'];
  }
  if (!ts.isIdentifier(node) || own.has(node.text) || !isReference(node)) return;
  if (node.text === 'Date') yield* dateUse(node);
  else if (Object.hasOwn(impureIdentifiers, node.text)) yield [impureIdentifiers[node.text], node.text];
}

function* environmentUse(node) {
  if (ts.isPropertyAccessExpression(node) && /^(globalThis\.)?process\.env$/.test(node.getText())) yield ['process-env', 'process.env'];
  else if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer?.getText() === 'process') {
    if (node.name.elements.some((each) => (each.propertyName ?? each.name).getText() === 'env')) yield ['process-env', '{ env } = process'];
  }
}

function* checkNode(node, context) {
  if (node.kind === ts.SyntaxKind.AnyKeyword) yield ['no-any', 'any'];
  if (context.barsEnvironment) yield* environmentUse(node);
  if (context.pure) yield* impurity(node, context.own);
}

function checkFile(file) {
  const findings = [];
  const report = (line, [rule, message]) => findings.push({ rule, file: file.path, line, message });
  const source = file.kind === 'source';
  const pure = source && file.owner.tag === 'pure';
  const context = {
    pure,
    own: pure ? declaredNames(file.tree) : new Set(),
    barsEnvironment: source && !tags[file.owner.tag]?.testing && !configurationFiles.includes(posix.basename(file.path)),
  };
  const visit = (node) => {
    for (const finding of checkNode(node, context)) {
      report(file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1, finding);
    }
    ts.forEachChild(node, visit);
  };
  visit(file.tree);
  for (const { specifier, names, line } of file.imports) {
    if (context.barsEnvironment && /^(node:)?process$/.test(specifier) && names.includes('env')) report(line, ['process-env', 'import of env']);
  }
  file.lines.forEach((text, index) => {
    const bare = /(?:ox|es)lint-disable(?!.*\s--\s+\S)|@ts-(?:expect-error|ignore|nocheck)(?!\s*[-:]+\s*\S)/.test(text);
    if (bare) report(index + 1, ['disable-says-why', 'a check is switched off without a reason after --']);
  });
  return findings;
}

/** Checks the packages' own files; generated code is free. */
export function checkSyntax(workspace) {
  return workspace.files.filter((file) => file.owner && file.kind !== 'generated').flatMap(checkFile);
}
