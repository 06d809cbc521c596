// Every step of .ci/run, in ONE list. A step is green when its command ends with 0.
//   cores     how many of the two cores it keeps busy; steps start in this order as soon as cores are free
//   after     names of steps that must have ended before (green or not)
//   lines     how many of its last lines are shown when it is green: one, where it does not say
//   full      its command in .ci/run --full
//   onlyFull  not in any other run
//   env       variables of this step
//   result    a Jest result file: its tests are counted one by one instead of the step as one gate

/** The three runs of specs count the lines that they reach; `lines of all packages` adds them up. */
const counted = { MAESTRO_COVERAGE: 'on' };
const node = (script, ...args) => ['node', script, ...args];

export const steps = [
  { name: 'test', run: ['./maestro', 'test'], env: counted, cores: 1, result: '.cache/results/test.json' },
  { name: 'outside tools', run: ['tools/ci/tools.sh'], cores: 1 },
  { name: 'types of specs', run: node('node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.tests.json'), cores: 1, after: ['test'] },
  { name: 'lint', run: ['./maestro', 'lint'], cores: 1, after: ['test'] },
  { name: 'architecture', run: ['./maestro', 'arch', '--report'], cores: 1, lines: 10, after: ['test'] },
  { name: 'architecture rules fail on bad fixtures', run: ['./maestro', 'arch', '--self-test'], cores: 1, after: ['test'] },
  { name: 'generated contracts are current', run: node('contracts/tools/generate.mjs', '--check'), cores: 1, after: ['test'] },
  { name: 'contracts/asyncapi.yaml is clean', run: node('tools/ci/asyncapi/check.mjs'), cores: 1, after: ['outside tools'] },
  { name: 'lock file is complete and names no registry', run: node('tools/lock-repair.mjs', '--check'), cores: 1, after: ['test'] },
  { name: 'nothing private is tracked', run: node('tools/ci/leak-scan.mjs'), cores: 1, after: ['test'] },
  { name: 'documents fit the program', run: node('tools/docs/check.mjs'), cores: 1, after: ['test'] },
  { name: 'every described answer is seen by a spec', run: node('tools/docs/routes.mjs', '--check'), cores: 1, after: ['test'] },
  { name: 'document check finds planted faults', run: node('tools/docs/check.mjs', '--self-test'), cores: 1, after: ['test'] },
  { name: 'the runner of document blocks finds planted faults', run: node('tools/docs/run-blocks.mjs', '--self-test'), cores: 1, after: ['test'] },
  { name: 'quickstart and how-to pages work as shown', run: node('tools/docs/run-blocks.mjs'), cores: 1, lines: 7, after: ['test'] },
  { name: 'the recorded terminal session ends as commands do', run: node('tools/docs/record-session.mjs', '--check'), cores: 1, after: ['test'] },
  { name: 'golden files are what they were', run: node('--conditions=source', 'tools/golden/make.mjs', '--check'), cores: 1, after: ['test'] },
  { name: 'conformance matrix has no gap', run: node('tools/ci/conformance-matrix.mjs'), cores: 1, lines: 400, after: ['test', 'long tests', 'test with servers'] },
  { name: 'shell scripts', run: ['tools/ci/shell-check.sh'], cores: 1, after: ['outside tools'] },
  { name: 'policy bundles are current', run: ['tools/policy/check.sh'], cores: 1, after: ['test', 'outside tools'] },
  { name: 'an append is synced to disk', run: ['libs/adapters/sqlite/fixtures/fsync-ratio.sh'], cores: 1, after: ['test', 'outside tools'] },
  {
    name: 'generated requests find no undocumented answer',
    run: node('--conditions=source', 'tools/chaos/src/generated-requests/main.ts'),
    cores: 1,
    lines: 26,
    after: ['test', 'outside tools'],
  },
  {
    name: 'a receipt set survives no change of any byte, and no attack',
    run: ['./maestro', 'chaos', 'tamper'],
    cores: 1,
    after: ['test', 'outside tools'],
  },
  { name: 'a bad network loses and doubles nothing', run: ['./maestro', 'chaos', 'network'], cores: 1, lines: 5, after: ['test'] },
  {
    name: 'bad input never stalls the event loop',
    run: node('--conditions=source', 'tools/chaos/src/bad-input/measure-stalls.ts'),
    cores: 2,
    lines: 6,
    after: ['test'],
  },
  {
    name: 'a kill or a failing disk at any system call loses nothing',
    run: ['./maestro', 'chaos', 'syscall'],
    cores: 2,
    lines: 18,
    after: ['test', 'outside tools'],
  },
  { name: 'simulation finds planted faults, then nothing', run: ['./maestro', 'chaos', 'sim'], cores: 2, lines: 13, after: ['test'] },
  { name: 'a flipped bit in any file is noticed, named and never served', run: ['./maestro', 'chaos', 'bitflip'], cores: 2, lines: 18, after: ['test'] },
  { name: 'kill -9 at any moment loses and doubles nothing', run: ['./maestro', 'chaos', 'kill'], cores: 2, lines: 18, after: ['test'] },
  { name: 'harmed clusters lose and double nothing', run: ['./maestro', 'chaos', 'cluster'], full: ['./maestro', 'chaos', 'cluster', '--full'], onlyFull: true, cores: 2, lines: 45, after: ['test', 'outside tools'] },
  { name: 'nothing grows under steady load', run: ['./maestro', 'chaos', 'soak'], cores: 2, lines: 8, after: ['test'] },
  { name: 'the judge of all harnesses is linear', run: ['./maestro', 'chaos', 'checker'], cores: 1, lines: 3, after: ['test'] },
  { name: 'bugs that were found are gone, and would be found again', run: ['./maestro', 'chaos', 'reproduce', '--all'], cores: 2, after: ['test'] },
  { name: 'branches of the pure packages', run: node('tools/coverage/check.mjs', '--pure'), cores: 2, lines: 6, after: ['test'] },
  {
    name: 'test with outside tools',
    run: ['./maestro', 'test', '--tools'],
    cores: 2,
    after: ['test', 'outside tools'],
    result: '.cache/results/tools.json',
  },
  { name: 'test with servers', run: ['./maestro', 'test', '--servers'], env: counted, cores: 2, after: ['test', 'outside tools'], result: '.cache/results/servers.json' },
  { name: 'long tests', run: ['./maestro', 'test', '--long'], env: counted, cores: 2, after: ['test'], result: '.cache/results/long.json' },
  { name: 'lines of all packages', run: node('tools/coverage/check.mjs', 'usual', 'long', 'servers'), cores: 1, lines: 36, after: ['test', 'long tests', 'test with servers'] },
];

const harnesses = steps.filter(({ run: [command, verb] }) => command === './maestro' && verb === 'chaos').map(({ name }) => name);
steps.push({ name: 'scoreboard of all harnesses', run: ['./maestro', 'chaos', 'report', '--without', 'cluster'], full: ['./maestro', 'chaos', 'report'], cores: 1, lines: 70, after: harnesses });
