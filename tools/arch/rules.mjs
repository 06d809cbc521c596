// The architecture as data: who may import whom, which vendor packages, which limits. docs/architecture.md explains why.

/**
 * Tag of a package (`maestro.tag` in its package.json) → tags it may import. `specs` adds what its specs may import too;
 * `testing` marks packages that only tests load: test tools of the root package.json and the environment are theirs.
 */
export const tags = {
  contracts: { imports: [], vendors: ['ajv', 'ajv-formats'], builtins: [] },
  pure: { imports: ['contracts', 'pure'], vendors: ['canonicalize', 'semver'], builtins: [] },
  ports: { imports: ['pure', 'contracts'], vendors: [], builtins: [] },
  conformance: { imports: ['ports', 'pure', 'contracts'], vendors: ['@jest/globals', 'fast-check'], builtins: 'any', testing: true },
  adapter: { imports: ['ports', 'pure', 'contracts'], specs: ['conformance'], vendors: ['lru-cache'], builtins: 'any' },
  sql: { imports: ['ports', 'pure', 'contracts'], vendors: ['kysely'], builtins: [] },
  worker: { imports: ['contracts', 'pure'], vendors: [], builtins: 'any' },
  client: { imports: ['contracts'], vendors: [], builtins: 'any' },
  package: { imports: ['worker', 'pure', 'contracts'], vendors: [], builtins: 'any' },
  runtime: {
    imports: ['ports', 'pure', 'contracts'],
    specs: ['conformance', 'adapter'],
    vendors: ['@opentelemetry/api', 'lru-cache', 'uuid'],
    builtins: 'any',
  },
  service: {
    imports: ['contracts', 'pure', 'ports', 'adapter', 'worker', 'package', 'runtime'],
    vendors: [/^@nestjs\//, '@fastify/static', 'fastify', 'js-yaml', 'pino', 'prom-client', 'reflect-metadata', 'rxjs', 'yaml'],
    builtins: 'any',
  },
  tool: {
    imports: ['contracts', 'pure', 'ports', 'adapter', 'tool'],
    vendors: ['cli-table3', 'commander', 'eventsource-parser', 'undici', 'yaml', 'js-yaml'],
    builtins: 'any',
  },
  harness: {
    imports: ['contracts', 'pure', 'ports', 'conformance', 'adapter', 'worker', 'package', 'runtime', 'client', 'tool', 'harness'],
    vendors: ['undici'],
    builtins: 'any',
  },
};

/** What one package may do beyond its tag, and why. An adapter's vendor stands here: its own, and no other. */
export const exceptions = {
  '@maestro/conductor': { imports: ['service'], why: 'composes the roles into one process' },
  '@maestro/cli': { imports: ['service'], vendors: ['ajv'], why: 'its specs hold --json against schemas; plan and policy test, offline, are the code of a dry run, composed as a conductor composes it' },
  '@maestro/adapter-sqlite': { imports: ['sql'], vendors: ['kysely'], why: 'tables of read models and process state are the same on SQLite and Postgres' },
  '@maestro/adapter-opa': { vendors: ['@open-policy-agent/opa-wasm'], why: 'its vendor' },
  '@maestro/adapter-sigstore': { vendors: ['@sigstore/sign', '@sigstore/bundle', '@sigstore/verify'], why: 'its vendor' },
  '@maestro/adapter-workerpool': {
    imports: ['worker'],
    vendors: ['workerpool', 'ajv', 'ajv-formats'],
    why: 'hosts task packages, whose interface is the worker SDK, and checks their arguments',
  },
  '@maestro/adapter-eventstoredb': { vendors: ['@eventstore/db-client', '@grpc/grpc-js', 'google-protobuf'], why: 'its vendor; the double for tests speaks its wire' },
  '@maestro/adapter-jetstream': { vendors: [/^@nats-io\//], why: 'its vendor' },
  '@maestro/adapter-postgres': { imports: ['sql'], vendors: ['kysely', 'pg'], why: 'its vendor, and tables that are the same on SQLite and Postgres' },
  '@maestro/adapter-s3': { vendors: ['@aws-sdk/client-s3'], why: 'its vendor' },
  '@maestro/adapter-opentelemetry': { vendors: [/^@opentelemetry\//], why: 'its vendor' },
  '@maestro/client': { vendors: [/^@nats-io\//], why: 'its vendor: services send commands over NATS' },
  '@maestro/package-json': { vendors: ['jsonata', 'ajv', 'ajv-formats'], why: 'its vendor' },
  '@maestro/package-http': { vendors: ['undici'], why: 'its vendor' },
  '@maestro/sql-tables': { builtins: { 'node:crypto': ['hash'] }, why: 'digests of rows: a pure function of bytes' },
  '@maestro/codec': { builtins: { 'node:crypto': ['hash'] }, why: 'digests: a pure function of bytes' },
  '@maestro/receipt': { builtins: { 'node:crypto': ['hash'] }, why: 'digests: a pure function of bytes' },
};

/** Packages that specs of any tag may import; they stand in the root package.json. */
export const specVendors = ['@jest/globals', '@nestjs/testing', 'fast-check'];

/** Identifier → rule that a pure package breaks by using it. */
export const impureIdentifiers = {
  performance: 'pure-clock',
  setTimeout: 'pure-clock',
  setInterval: 'pure-clock',
  setImmediate: 'pure-clock',
  queueMicrotask: 'pure-clock',
  Temporal: 'pure-clock',
  crypto: 'pure-random',
  Promise: 'pure-async',
  AsyncIterable: 'pure-async',
  AsyncGenerator: 'pure-async',
  AbortSignal: 'pure-async',
  process: 'pure-process',
  globalThis: 'pure-process',
  global: 'pure-process',
  console: 'pure-io',
  fetch: 'pure-io',
  require: 'pure-io',
  WebSocket: 'pure-io',
  Intl: 'pure-locale',
};

/** Methods whose result depends on the locale or time zone of the machine. */
export const localeMethods = /^(localeCompare|toLocale\w+|get(?!UTC|Time$)(Date|Day|FullYear|Hours|Minutes|Month|Seconds))$/;

export const limits = {
  fileLinesMax: 500,
  fileLinesMedianMax: 100,
  fileLinesP95Max: 300,
  functionLinesMax: 70,
  functionLinesP95Max: 40,
  commentSharePercentMin: 6,
  commentSharePercentMax: 20,
  depthBelowSrcMax: 2,
  /** Floors of what the dependency graph must have seen: a misconfigured one sees nothing and is green. */
  modulesMin: 90,
  dependenciesMin: 150,
};

/** Words that say nothing in a file or folder name. */
export const emptyWords = ['utils', 'util', 'common', 'helpers', 'helper', 'manager', 'base', 'misc', 'shared'];

/** Files that may read `process.env`. */
export const configurationFiles = ['main.ts', 'config.ts'];
