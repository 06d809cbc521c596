// What an import says, before it is resolved: names of packages, declared dependencies, vendors, and ways around an index.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { exceptions, specVendors, tags } from './rules.mjs';

export const importRules = [
  'package-tag',
  'own-index',
  'no-export-star',
  'relative-inside-package',
  'no-deep-import',
  'undeclared-import',
  'vendor-not-allowed',
  'pure-builtin',
];

const packageOf = (specifier) => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
const isBuiltin = (specifier) => specifier.startsWith('node:') || builtinModules.includes(specifier);

function* relative(file, { specifier }) {
  const target = posix.join(posix.dirname(file.path), specifier);
  if (!target.startsWith(`${file.owner.folder}/`)) yield ['relative-inside-package', `${specifier} leaves ${file.owner.folder}`];
  else if (/^index\.(ts|js)$/.test(target.slice(`${file.owner.folder}/src/`.length))) yield ['own-index', 'imports its own index'];
}

function* builtin(file, { specifier, names }) {
  const { builtins } = tags[file.owner.tag];
  if (builtins === 'any' || file.kind !== 'source') return;
  const granted = exceptions[file.owner.name]?.builtins?.[specifier] ?? [];
  const barred = names.filter((name) => !granted.includes(name));
  if (barred.length > 0 || names.length === 0) yield ['pure-builtin', `${barred.join(', ')} of ${specifier} is not for ${file.owner.tag}`];
}

function* vendor(file, name) {
  const allowed = [
    ...tags[file.owner.tag].vendors,
    ...(exceptions[file.owner.name]?.vendors ?? []),
    ...(file.kind === 'spec' ? specVendors : []),
  ];
  const ok = allowed.some((each) => (typeof each === 'string' ? each === name : each.test(name)));
  if (!ok) yield ['vendor-not-allowed', `${name} is not for ${file.owner.name} (${file.owner.tag})`];
}

function* external(file, { specifier }, workspace) {
  const { owner, kind } = file;
  const name = packageOf(specifier);
  if (name === owner.name) {
    yield ['own-index', 'imports its own package by name'];
    return;
  }
  const testing = kind === 'spec' || tags[owner.tag].testing;
  const declared = owner.dependencies.includes(name) || (testing && [...owner.devDependencies, ...specVendors].includes(name));
  if (!declared) yield ['undeclared-import', `${name} is not in ${owner.folder}/package.json`];
  if (workspace.byName.has(name)) {
    if (specifier !== name && !workspace.byName.get(name).entryPoints.includes(specifier)) yield ['no-deep-import', `${specifier}: only ${name} is public`];
  } else yield* vendor(file, name);
}

function* checkImport(file, each, workspace) {
  if (each.form === 'export-star') yield ['no-export-star', `export * from '${each.specifier}'`];
  if (each.specifier.startsWith('.')) yield* relative(file, each);
  else if (isBuiltin(each.specifier)) yield* builtin(file, each);
  else yield* external(file, each, workspace);
}

/** Checks every import of the packages' files; generated code answers only for what it imports by name. */
export function checkImports(workspace) {
  const findings = workspace.packages
    .filter((each) => !tags[each.tag])
    .map((each) => ({ rule: 'package-tag', file: `${each.folder}/package.json`, message: `maestro.tag is ${each.tag ?? 'missing'}` }));
  for (const file of workspace.files) {
    if (!file.owner || !tags[file.owner.tag]) continue;
    for (const each of file.imports) {
      for (const [rule, message] of checkImport(file, each, workspace)) findings.push({ rule, file: file.path, line: each.line, message });
    }
  }
  return findings;
}
