// The repository's verbs (build, test, lint …); every other verb belongs to the product and goes to tools/cli.
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const oldestNode = [24, 15];

const help = `usage: ./maestro <verb> [arguments]

The repository:
  build              type-check and compile what changed (--force: everything)
  test [pattern …]   build, then every spec whose path matches; arguments of Jest pass through
  test --tools       the specs that need outside tools (opa, cosign, strace, python3)
  test --servers     the specs that need servers (nats-server, Postgres, S3 gateway); tools/ci/tools.sh installs them
  test --long        the specs that take long: whole conductors, hundreds of requests
  test --coverage    the same with the coverage gate and its table
  lint               oxlint over sources, specs and tools
  arch               dependency rules, purity, sizes, names (--report: figures; --self-test: prove every rule)
  bench              build, then the benchmarks of tools/bench
  chaos              build, then a harness that breaks things: simulation, kills, bit flips, tampering …
  ci                 everything that has to be green before a merge (as .ci/run)
  help               this text

The product (./maestro <verb> --help tells the options of each):
`;

/** Runs one script of the repository on this Node and ends with its exit code. */
async function become(script, args) {
  const { runChild } = await import('./launcher/child.mjs');
  process.exitCode = await runChild(process.execPath, [`${root}${script}`, ...args], { stdio: 'inherit' });
}

async function build(args) {
  const { ensureBuilt } = await import('./launcher/build.mjs');
  return ensureBuilt(root, { force: args.includes('--force') });
}

/** Loads a compiled program into this process: a second Node start would cost more than the build check. */
async function load(script, args) {
  if (!(await build([]))) {
    process.exitCode = 1;
    return;
  }
  const file = `${root}${script}`;
  if (!existsSync(file)) throw new Error(`${script} was not built: does its package still have src/main.ts?`);
  const { enableCompileCache } = await import('node:module');
  enableCompileCache(`${root}.cache/compile`);
  process.argv = [process.argv[0], file, ...args];
  await import(pathToFileURL(file).href);
}

/** What belongs to the repository, then the help of the product itself. */
async function showHelp(args) {
  if (args.length > 0) return load('tools/cli/dist/main.js', ['help', ...args]);
  process.stdout.write(`${help}\n`);
  await load('tools/cli/dist/main.js', ['--help']);
}

const repository = {
  build: async (args) => {
    process.exitCode = (await build(args)) ? 0 : 1;
  },
  test: async (args) => {
    const { runTests } = await import('./launcher/test.mjs');
    process.exitCode = (await build([])) ? await runTests(root, args) : 1;
    if (process.exitCode === 0 && args.length === 1 && args[0] === '--coverage') await become('tools/coverage/check.mjs', []);
  },
  lint: (args) => become('node_modules/oxlint/bin/oxlint', ['-c', `${root}.oxlintrc.json`, ...(args.length > 0 ? args : [root])]),
  arch: (args) => become('tools/arch/check.mjs', args),
  ci: (args) => become('tools/ci/main.mjs', args),
  bench: (args) => load('tools/bench/dist/main.js', args),
  chaos: (args) => load('tools/chaos/dist/main.js', args),
  help: showHelp,
  '--help': showHelp,
  '-h': showHelp,
};

const [major, minor] = process.versions.node.split('.').map(Number);
const [verb = 'help', ...rest] = process.argv.slice(2);
if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
  console.error(
    `maestro: Node.js ${oldestNode.join('.')} or later is needed; this is ${process.version}, and there is no packaged Node for ` +
      `${process.platform}-${process.arch}. Install Node.js 24 and run this again.`,
  );
  process.exitCode = 1;
} else if (Object.hasOwn(repository, verb)) await repository[verb](rest);
else await load('tools/cli/dist/main.js', [verb, ...rest]);
