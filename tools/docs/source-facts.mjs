// Finds in the sources what the documents have to list: codes with their HTTP status, exit codes, metrics.
import { readFileSync, readdirSync } from 'node:fs';
import ts from 'typescript';

/** Where codes are written. Every upper-case literal below these folders is one, unless `noCodes` knows better. */
const codeFolders = ['libs', 'services', 'tools/cli', 'tools/verify'];
const skippedFolders = /^(node_modules|dist|fixtures|generated|conformance)$/;

/** Upper-case literals that are something else. */
const noCodes = [
  [/^(MAESTRO_.*|XDG_CONFIG_HOME|NO_COLOR|HOME|TERM|NODE_ENV|LANG|OPA|PATH|PG_BIN|NATS_SERVER|VERSITYGW)$/, 'environment variables, and marks inside one package'],
  [/^(FST_ERR|UND_ERR|ERR)_/, 'codes of Fastify, undici and Node'],
  [/^(EADDRINUSE|EADDRNOTAVAIL|EAI_AGAIN|EDQUOT|EEXIST|EHOSTUNREACH|ENAMETOOLONG|ENETUNREACH|ENOTFOUND|EIO|EISDIR|ELOOP|EMFILE|EMLINK|ENFILE|ENOENT|ENOSPC|ENOTDIR|ENXIO|EPERM|ESRCH|EACCES|EROFS|ETIMEDOUT|EPIPE|ECONN\w+)$/, 'errno'],
  [/^SIG[A-Z0-9]+$/, 'signals'],
  [/^(BEGIN|COMMIT|ROLLBACK|WAL|FULL|NORMAL|UTF8)$/, 'SQL'],
  [/^XX00[0-2]$/, 'SQLSTATEs'],
  [/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/, 'HTTP methods'],
  [/^D\d{4}$/, 'codes of JSONata'],
  [/^WHEN_REQUIRED$/, 'settings of the AWS SDK'],
  [/^(JSON|YAML|USD|UTC|MCHM|MCEP|VERIFIED|SHA256|README)$/, 'words and magic bytes'],
];

const upperCase = /^[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*$/;
const isCode = (text) => upperCase.test(text) && text.length > 2 && !noCodes.some(([pattern]) => pattern.test(text));

function sourcesBelow(root, folder) {
  const found = [];
  for (const entry of readdirSync(`${root}/${folder}`, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(skippedFolders.test(entry.name) ? [] : sourcesBelow(root, path)));
    else if (path.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(path)) found.push(path);
  }
  return found;
}

function treeOf(root, path) {
  return ts.createSourceFile(path, readFileSync(`${root}/${path}`, 'utf8'), ts.ScriptTarget.ES2023, true);
}

function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

const isTemplateText = (node) =>
  ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node);

/** The object literal that a constant of a file is, `as const` and `satisfies` taken off. */
function objectIn(root, path, name) {
  let found;
  walk(treeOf(root, path), (node) => {
    if (!ts.isVariableDeclaration(node) || node.name.getText() !== name) return;
    let value = node.initializer;
    while (value && (ts.isAsExpression(value) || ts.isSatisfiesExpression(value))) value = value.expression;
    if (value && ts.isObjectLiteralExpression(value)) found = value;
  });
  if (found === undefined) throw new Error(`${path} has no object ${name}: did it move? tools/docs/source-facts.mjs reads it`);
  return found.properties.filter(ts.isPropertyAssignment);
}

/** Members of a union of string literals. */
function unionIn(root, path, name) {
  const members = [];
  walk(treeOf(root, path), (node) => {
    if (!ts.isTypeAliasDeclaration(node) || node.name.text !== name) return;
    walk(node.type, (inner) => ts.isLiteralTypeNode(inner) && ts.isStringLiteral(inner.literal) && members.push(inner.literal.text));
  });
  if (members.length === 0) throw new Error(`${path} has no union ${name}: did it move? tools/docs/source-facts.mjs reads it`);
  return members;
}

const keyOf = (property) => property.name.text;

/** Policy packs write their codes in Rego. */
function regoCodes(root) {
  const packs = readdirSync(`${root}/policy/packs`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return packs.flatMap(({ name }) =>
    readdirSync(`${root}/policy/packs/${name}`)
      .filter((file) => file.endsWith('.rego') && !file.endsWith('_test.rego'))
      .flatMap((file) => {
        const path = `policy/packs/${name}/${file}`;
        return [...readFileSync(`${root}/${path}`, 'utf8').matchAll(/"code":\s*"([A-Z0-9_]+)"/g)].map((match) => [match[1], path]);
      }),
  );
}

/** Every code → the first file that holds it. */
export function codesIn(root) {
  const codes = new Map();
  const add = (code, path) => codes.has(code) || codes.set(code, path);
  for (const path of codeFolders.flatMap((folder) => sourcesBelow(root, folder))) {
    walk(treeOf(root, path), (node) => {
      if (ts.isStringLiteral(node) && isCode(node.text)) add(node.text, path);
      else if (isTemplateText(node)) for (const [, code] of node.text.matchAll(/\b([A-Z]+(?:_[A-Z]+)+): /g)) add(code, path);
    });
  }
  // the closed lists by name, too: a list that was moved or renamed is noticed here
  const rejection = 'libs/domain/src/rejection.ts';
  const fault = 'libs/ports/src/fault.ts';
  const classes = 'libs/receipt/src/verify/failure-classes.ts';
  for (const code of unionIn(root, rejection, 'RejectionCode')) add(code, rejection);
  for (const code of unionIn(root, fault, 'FaultCode')) add(code, fault);
  for (const code of objectIn(root, classes, 'FAILURE_CLASSES').map(keyOf)) add(code, classes);
  for (const [code, path] of regoCodes(root)) add(code, path);
  return codes;
}

/** Code → HTTP status, from the three maps of the API. */
export function statusesIn(root) {
  const maps = [['rejection-status', 'REJECTION_STATUS'], ['fault-status', 'FAULT_STATUS'], ['http-codes', 'HTTP_STATUS']];
  const entries = maps.flatMap(([file, name]) => objectIn(root, `services/api/src/problem/${file}.ts`, name));
  return new Map(entries.map((entry) => [keyOf(entry), Number(entry.initializer.getText())]));
}

/** Exit codes of the command line, as numbers. */
export function exitCodesIn(root) {
  return objectIn(root, 'tools/cli/src/exit-codes.ts', 'EXIT').map((entry) => Number(entry.initializer.getText()));
}

/** Metric → {kind, labels} as the program declares it. */
export function metricsIn(root) {
  const declared = objectIn(root, 'services/conductor/src/metrics.ts', 'METRICS').map((entry) => {
    const parts = new Map(entry.initializer.properties.filter(ts.isPropertyAssignment).map((part) => [keyOf(part), part.initializer]));
    const labels = parts.get('labels')?.elements.map((label) => label.text) ?? [];
    return [keyOf(entry), { kind: parts.get('kind').text, labels }];
  });
  return new Map(declared);
}
