/** Settings of the API role; parsed once in `main.ts`. */
export type ApiSettings = {
  readonly tenant: string;
  /** who asks where there is no login: `user:local` */
  readonly principal: string;
  /** what every request but the health probe must send as `Authorization: Bearer …`; null: nothing is asked for */
  readonly token: string | null;
  /** region of the deployment; null: not stated */
  readonly region: string | null;
  readonly requireRegion: boolean;
  /** address that the server is bound to; it and the loopback names are `Host`s of ours */
  readonly hostname: string;
  /** port for `Host` where a socket does not say its own */
  readonly port: number;
  /** further `Host` values, port included where it is not the scheme's own: names of proxies and services */
  readonly allowedHosts: readonly string[];
  /** what `run.conductorUrl` will be; null: not known yet */
  readonly conductorUrl: () => string | null;
  readonly bodyBytesMax: number;
  /** YAML is dearer to parse than JSON: a larger document must come as JSON */
  readonly yamlBytesMax: number;
  /** how long a publish waits for its decision before it answers 202 */
  readonly publishWaitMs: number;
  /** how long a query waits for a position */
  readonly positionWaitMs: number;
  /** silence on a live tail before a comment is sent */
  readonly heartbeatMs: number;
  /** live tails at once */
  readonly liveTailsMax: number;
  /** how long a client may take to send a request */
  readonly requestTimeoutMs: number;
  /** release of this software */
  readonly version: string;
};

/** Values for what a deployment does not set. */
export const API_DEFAULTS = {
  tenant: 'default',
  principal: 'user:local',
  token: null,
  region: null,
  requireRegion: false,
  hostname: '127.0.0.1',
  port: 8080,
  allowedHosts: [],
  conductorUrl: () => null,
  bodyBytesMax: 1_048_576,
  yamlBytesMax: 262_144,
  publishWaitMs: 5_000,
  positionWaitMs: 2_000,
  heartbeatMs: 15_000,
  liveTailsMax: 256,
  requestTimeoutMs: 30_000,
  version: '0.1.0',
} as const satisfies ApiSettings;
