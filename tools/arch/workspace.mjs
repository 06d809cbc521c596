// Reads a workspace once: its packages, their files, and for each file the syntax tree and the imports that all checks share.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';

const json = (file) => JSON.parse(readFileSync(file, 'utf8'));

function expand(root, pattern) {
  if (!pattern.endsWith('/*')) return [pattern];
  const folder = pattern.slice(0, -2);
  if (!existsSync(`${root}/${folder}`)) return [];
  const entries = readdirSync(`${root}/${folder}`, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => `${folder}/${entry.name}`);
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return /^(node_modules|dist|fixtures)$/.test(entry.name) ? [] : filesBelow(path);
    return [path];
  });
}

function kindOf(path) {
  if (path.includes('/generated/')) return 'generated';
  return path.endsWith('.spec.ts') ? 'spec' : 'source';
}

/** Imports, re-exports, `import()` and `import('x').T` of one syntax tree. */
function importsOf(tree) {
  const found = [];
  const add = (node, literal, form, names = []) => {
    if (!literal || !ts.isStringLiteralLike(literal)) return;
    found.push({ specifier: literal.text, form, names, line: tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1 });
  };
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, 'import', namesOf(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, node.exportClause ? 'export' : 'export-star');
    else if (ts.isImportTypeNode(node)) add(node, node.argument.literal, 'type');
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node, node.arguments[0], 'dynamic');
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** Names an import binds from the module: `*` for a namespace, `default` for the default. */
function namesOf(clause) {
  if (!clause) return ['*'];
  const names = clause.name ? ['default'] : [];
  if (clause.namedBindings && ts.isNamespaceImport(clause.namedBindings)) return [...names, '*'];
  return [...names, ...(clause.namedBindings?.elements ?? []).map((element) => (element.propertyName ?? element.name).text)];
}

function readSource(root, owner, absolute) {
  const path = absolute.slice(root.length + 1);
  const text = readFileSync(absolute, 'utf8');
  const kind = ts.ScriptKind[path.endsWith('.mjs') ? 'JS' : 'TS'];
  const tree = ts.createSourceFile(absolute, text, ts.ScriptTarget.ES2023, true, kind);
  return { path, owner, kind: owner ? kindOf(path) : 'script', lines: text.replace(/\n$/, '').split('\n'), tree, imports: importsOf(tree) };
}

/**
 * The packages of the npm workspace at `root` (absolute, no slash at the end) with their `.ts` files, and the `.mjs` scripts of
 * tools/ and contracts/. Paths are relative to `root`.
 */
export function readWorkspace(root) {
  const manifest = json(`${root}/package.json`);
  const folders = manifest.workspaces.flatMap((pattern) => expand(root, pattern));
  const packages = folders.filter((folder) => existsSync(`${root}/${folder}/package.json`)).map((folder) => {
    const own = json(`${root}/${folder}/package.json`);
    return {
      folder,
      name: own.name,
      tag: own.maestro?.tag,
      // what others may import of it: the package itself, and entry points that it names
      entryPoints: Object.keys(own.exports ?? {}).map((entry) => own.name + entry.slice(1)),
      dependencies: Object.keys({ ...own.dependencies, ...own.peerDependencies, ...own.optionalDependencies }),
      devDependencies: Object.keys(own.devDependencies ?? {}),
    };
  });
  const sources = packages.flatMap((owner) =>
    filesBelow(`${root}/${owner.folder}/src`)
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
      .map((file) => readSource(root, owner, file)),
  );
  const scripts = ['tools', 'contracts/tools'].flatMap((folder) => filesBelow(`${root}/${folder}`)).filter((file) => file.endsWith('.mjs'));
  const files = [...sources, ...scripts.map((file) => readSource(root, undefined, file))];
  return { root, packages, byName: new Map(packages.map((each) => [each.name, each])), files };
}
