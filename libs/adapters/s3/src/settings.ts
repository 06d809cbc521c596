/** An access key. Never logged, never part of a message. */
export type S3Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

/** Where evidence lies in S3 and how it is kept. */
export type S3Settings = {
  /** `http://127.0.0.1:7070`; null: the region's own endpoint of AWS */
  readonly endpoint: string | null;
  readonly region: string;
  /** exists already, made with Object Lock, which also turns versioning on */
  readonly bucket: string;
  /** `<endpoint>/<bucket>/…` instead of `<bucket>.<endpoint>/…`; most servers other than AWS need it */
  readonly forcePathStyle: boolean;
  /** begins every object name, so that several deployments share one bucket; empty, or parts of `[a-z0-9._-]+` that each end in `/` */
  readonly prefix: string;
  /** what is put without a date is locked for so long, and nothing for less; 1 to 36,500 */
  readonly retentionDays: number;
  /** null: the SDK's chain (environment, profile, web identity, container, instance) */
  readonly credentials: S3Credentials | null;
  /** requests at the same time; 1 to 256 */
  readonly requestsMax: number;
  /** bodies in flight, both directions together; one larger body goes alone; 1 MiB to 4 GiB */
  readonly transferBytesMax: number;
  /** one pack of `putMany` calls, also about what it costs in memory; 64 KiB to 256 MiB */
  readonly packBytesMax: number;
  /** packed keys that are remembered, about 400 bytes of memory each; 1,000 to 1,000,000 */
  readonly recentKeysMax: number;
  /** packs whose keys are read when the store is opened; 0 to 1,000 */
  readonly recentPacksMax: number;
  /** tries of one request, each by the SDK's own rules; 1 to 10 */
  readonly attemptsMax: number;
  /** of one connection; 100 to 60,000 */
  readonly connectTimeoutMs: number;
  /** of one try, body included; 100 to 600,000 */
  readonly attemptTimeoutMs: number;
  /** of all tries together; 100 to 3,600,000 */
  readonly callTimeoutMs: number;
};

/** What has to be said; the rest has a default. */
export type S3SettingsInput = Pick<S3Settings, 'region' | 'bucket'> & Partial<S3Settings>;

const DEFAULTS = {
  endpoint: null,
  forcePathStyle: false,
  prefix: '',
  retentionDays: 3_650,
  credentials: null,
  requestsMax: 32,
  transferBytesMax: 128 * 1024 * 1024,
  packBytesMax: 8 * 1024 * 1024,
  recentKeysMax: 50_000,
  recentPacksMax: 64,
  attemptsMax: 3,
  connectTimeoutMs: 2_000,
  attemptTimeoutMs: 30_000,
  callTimeoutMs: 60_000,
} as const;

const RANGES = {
  retentionDays: [1, 36_500],
  requestsMax: [1, 256],
  transferBytesMax: [1024 * 1024, 4 * 1024 ** 3],
  packBytesMax: [64 * 1024, 256 * 1024 * 1024],
  recentKeysMax: [1_000, 1_000_000],
  recentPacksMax: [0, 1_000],
  attemptsMax: [1, 10],
  connectTimeoutMs: [100, 60_000],
  attemptTimeoutMs: [100, 600_000],
  callTimeoutMs: [100, 3_600_000],
} as const satisfies Partial<Record<keyof S3Settings, readonly [number, number]>>;

/** Frozen settings with every default filled in, or every problem at once; a problem never holds a credential. */
export function parseS3Settings(input: S3SettingsInput): { readonly settings: S3Settings } | { readonly problems: readonly string[] } {
  const settings: S3Settings = Object.freeze({ ...DEFAULTS, ...input });
  const problems = [...textProblems(settings), ...credentialProblems(settings.credentials)];
  for (const [name, [min, max]] of Object.entries(RANGES)) {
    const value = settings[name as keyof typeof RANGES];
    if (!Number.isInteger(value) || value < min || value > max) problems.push(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
  const unknown = Object.keys(input).filter((name) => !(name in DEFAULTS) && name !== 'region' && name !== 'bucket');
  for (const name of unknown) problems.push(`${name}: no such setting; known are region, bucket, ${Object.keys(DEFAULTS).join(', ')}`);
  return problems.length === 0 ? { settings } : { problems };
}

function textProblems({ endpoint, region, bucket, prefix, forcePathStyle }: S3Settings): string[] {
  const problems: string[] = [];
  const expect = (ok: boolean, name: string, expected: string, got: unknown): void => {
    if (!ok) problems.push(`${name}: expected ${expected}, got ${JSON.stringify(got)}`);
  };
  expect(endpoint === null || isOrigin(endpoint), 'endpoint', 'http(s)://host[:port] without a path or credentials, or null', endpoint);
  expect(typeof region === 'string' && /^[a-z0-9-]{1,64}$/.test(region), 'region', 'the name of a region such as us-east-1', region);
  expect(typeof bucket === 'string' && /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket), 'bucket', '3 to 63 of a-z, 0-9, . and -', bucket);
  expect(typeof prefix === 'string' && isPrefix(prefix), 'prefix', 'nothing, or up to 200 characters of parts [a-z0-9._-]+ that each end in /', prefix);
  expect(typeof forcePathStyle === 'boolean', 'forcePathStyle', 'true or false', forcePathStyle);
  return problems;
}

function isOrigin(endpoint: string): boolean {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(endpoint);
  return /^https?:$/.test(protocol) && username + password + search + hash === '' && pathname === '/';
}

function isPrefix(prefix: string): boolean {
  return prefix.length <= 200 && /^([a-z0-9._-]+\/)*$/.test(prefix) && prefix.split('/').every((part) => part !== '.' && part !== '..');
}

function credentialProblems(credentials: S3Credentials | null): string[] {
  if (credentials === null) return [];
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
  const isSound = isText(credentials.accessKeyId) && isText(credentials.secretAccessKey) && (credentials.sessionToken === undefined || isText(credentials.sessionToken));
  return isSound ? [] : ['credentials: expected accessKeyId and secretAccessKey, each a text that is not empty, or null for the chain'];
}
