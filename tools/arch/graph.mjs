// The rules that need the resolved import graph, run by dependency-cruiser from the data in rules.mjs.
import { cruise } from 'dependency-cruiser';
import { exceptions, tags } from './rules.mjs';

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const below = (packages) => `^(?:${packages.map((each) => escape(each.folder)).join('|')})/`;
const spec = '\\.spec\\.ts$';

/** Tags that the sources (or specs) of one package may import. */
function allowedTags(owner, forSpecs) {
  const rule = tags[owner.tag];
  return new Set([...rule.imports, ...(forSpecs ? (rule.specs ?? []) : []), ...(exceptions[owner.name]?.imports ?? [])]);
}

/** One pair of rules per package: sources, and specs, must not reach packages of other tags. Services have a name of their own. */
function boundaryRules(owner, packages) {
  return [false, true].flatMap((forSpecs) => {
    const allowed = allowedTags(owner, forSpecs);
    const from = { path: `^${escape(owner.folder)}/src/`, ...(forSpecs ? { path: `^${escape(owner.folder)}/src/.*${spec}` } : { pathNot: spec }) };
    const barred = packages.filter((each) => each !== owner && !allowed.has(each.tag));
    const services = barred.filter((each) => each.tag === 'service' && owner.tag === 'service');
    const others = barred.filter((each) => !services.includes(each));
    return [
      ...(services.length ? [{ name: 'only-conductor-imports-services', severity: 'error', from, to: { path: below(services) } }] : []),
      ...(others.length ? [{ name: `tag-${owner.tag}`, severity: 'error', from, to: { path: below(others) } }] : []),
    ];
  });
}

/** Names of the rules that this file checks. */
export const graphRules = [
  'no-unresolvable',
  'no-circular',
  'only-conductor-imports-services',
  'graph-complete',
  ...Object.keys(tags).map((tag) => `tag-${tag}`),
];

function configuration(packages, root, overrides) {
  const known = packages.filter((each) => tags[each.tag]);
  return {
    baseDir: root,
    validate: true,
    ruleSet: {
      forbidden: [
        // A deep import is unresolvable too; the rule no-deep-import names it better.
        { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^@maestro/[^/]+/' } },
        { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
        ...known.flatMap((owner) => boundaryRules(owner, packages)),
      ],
    },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: `${below(packages)}dist/` },
    tsPreCompilationDeps: true, // imports of types count
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['source', 'types', 'import', 'default'] },
    ...overrides,
  };
}

/** What the syntax trees import and the graph does not show: a graph that saw too little is green without reason. */
function missing(workspace, modules, limits) {
  const plain = (specifier) => specifier.replace(/^node:/, ''); // the graph leaves that prefix out
  const seen = new Map(modules.map((module) => [module.source, new Set(module.dependencies.map((each) => plain(each.module)))]));
  const findings = workspace.files
    .filter((file) => file.owner)
    .flatMap((file) => {
      const dependencies = seen.get(file.path);
      if (!dependencies) return [{ rule: 'graph-complete', file: file.path, message: 'the graph has no such module' }];
      const unseen = file.imports.filter((each) => !dependencies.has(plain(each.specifier)));
      return unseen.map(({ specifier, line }) => ({ rule: 'graph-complete', file: file.path, line, message: `not in the graph: ${specifier}` }));
    });
  const dependencyCount = modules.reduce((sum, module) => sum + module.dependencies.length, 0);
  if (modules.length < limits.modulesMin || dependencyCount < limits.dependenciesMin) {
    const message = `${modules.length} modules and ${dependencyCount} dependencies are below the floors in rules.mjs`;
    findings.push({ rule: 'graph-complete', file: '.', message });
  }
  return findings;
}

/** Cruises the workspace. Returns findings and the figures of the graph. */
export async function checkGraph(workspace, limits, overrides = {}) {
  const { root, packages } = workspace;
  const folders = packages.map((each) => `${each.folder}/src`);
  const { output } = await cruise(folders, configuration(packages, root, overrides));
  const violations = output.summary.violations.map((violation) => ({
    rule: violation.rule.name,
    file: violation.from,
    message: `imports ${(violation.cycle ?? []).map((each) => each.name ?? each).join(' → ') || violation.to}`,
  }));
  const cycles = violations.filter((each) => each.rule === 'no-circular').length;
  return {
    findings: [...violations, ...missing(workspace, output.modules, limits)],
    figures: { modules: output.modules.length, dependencies: output.summary.totalDependenciesCruised ?? 0, cycles },
  };
}
