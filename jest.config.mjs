// One Jest for the whole workspace. Workspace packages resolve from source (`source` condition): no build before a test.
// `./maestro test` sets the environment that this needs; specs of outside tools run only under `--tools`, those of servers only
// under `--servers`, long ones under `--long` or when a pattern names them.
const swc = {
  swcrc: false,
  sourceMaps: 'inline',
  module: { type: 'es6' },
  jsc: {
    target: 'es2023',
    keepClassNames: true,
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
};
/** Which specs: `usual` (none of the other kinds), `long`, `tools`, `servers`, `coverage` (all but `tools`); else usual and long ones. */
const kind = process.env.MAESTRO_TEST_KIND;
const ending = { tools: 'tool.', long: 'long.', servers: 'server.' }[kind] ?? '';
const leftOut = { usual: 'tool|long|server', coverage: 'tool' }[kind] ?? (ending === '' ? 'tool|server' : 'none');

export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  roots: ['<rootDir>/contracts', '<rootDir>/libs', '<rootDir>/services', '<rootDir>/tools'],
  testMatch: [`**/src/**/*.${ending}spec.ts`],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/fixtures/', `\\.(${leftOut})\\.spec\\.ts$`],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/\\.cache/', '<rootDir>/\\.maestro/', '<rootDir>/tools/arch/fixtures/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  maxWorkers: 2,
  // a bound for what hangs, never an assertion: two cores that are busy elsewhere may take ten times as long
  testTimeout: 60_000,
  coverageProvider: 'babel',
  coverageReporters: ['json'],
  coverageDirectory: '<rootDir>/coverage',
  collectCoverageFrom: ['**/src/**/*.ts', '!**/*.spec.ts', '!**/generated/**', '!**/fixtures/**', '!**/dist/**'],
};
