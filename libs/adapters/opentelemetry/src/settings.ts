/** Where spans go, and how many of them. */
export type TracingSettings = {
  /** OTLP over HTTP with JSON: whole address, such as `http://127.0.0.1:4318/v1/traces` */
  readonly url: string;
  /** of this process, such as `maestro-runner` */
  readonly serviceName: string;
  /** share of the traces that begin here and are recorded, 0 to 1; a trace that comes in keeps the choice of its caller */
  readonly sampleRatio: number;
  /** sent with each export, for example credentials; never logged */
  readonly headers: Readonly<Record<string, string>>;
  /** spans that wait to be sent; more are dropped; 16 to 65,536 */
  readonly queueMax: number;
  /** between two exports; 10 to 60,000 */
  readonly exportEveryMs: number;
  /** of one export with its tries, and of the last one when the process ends; 10 to 60,000 */
  readonly exportTimeoutMs: number;
};

/** What has to be said; the rest has a default. */
export type TracingSettingsInput = Pick<TracingSettings, 'url' | 'serviceName'> & Partial<TracingSettings>;

const DEFAULTS = { sampleRatio: 1, headers: {}, queueMax: 2_048, exportEveryMs: 1_000, exportTimeoutMs: 2_000 } as const;
const RANGES = { queueMax: [16, 65_536], exportEveryMs: [10, 60_000], exportTimeoutMs: [10, 60_000] } as const;

/** Frozen settings with every default filled in, or every problem at once; a problem never holds a header's value. */
export function parseTracingSettings(input: TracingSettingsInput): { readonly settings: TracingSettings } | { readonly problems: readonly string[] } {
  const settings: TracingSettings = Object.freeze({ ...DEFAULTS, ...input });
  const { url, serviceName, sampleRatio, headers } = settings;
  const problems: string[] = [];
  if (!isHttpAddress(url)) problems.push(`url: expected http(s)://host[:port]/path without credentials, got ${JSON.stringify(url)}`);
  if (typeof serviceName !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(serviceName)) problems.push(`serviceName: expected 1 to 128 visible ASCII characters, got ${JSON.stringify(serviceName)}`);
  if (typeof sampleRatio !== 'number' || !(sampleRatio >= 0 && sampleRatio <= 1)) problems.push(`sampleRatio: expected a number from 0 to 1, got ${sampleRatio}`);
  const wrongHeaders = Object.entries(headers).filter(([name, value]) => !/^[A-Za-z0-9-]{1,64}$/.test(name) || typeof value !== 'string');
  for (const [name] of wrongHeaders) problems.push(`headers: ${JSON.stringify(name)} is no header name, or its value no text`);
  for (const [name, [min, max]] of Object.entries(RANGES)) {
    const value = settings[name as keyof typeof RANGES];
    if (!Number.isInteger(value) || value < min || value > max) problems.push(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
  return problems.length === 0 ? { settings } : { problems };
}

function isHttpAddress(url: unknown): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return /^https?:$/.test(protocol) && username + password === '';
}
