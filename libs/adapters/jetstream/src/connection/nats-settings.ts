/** Certificates, each as a path of a PEM file. */
export type NatsTls = {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** TLS before the first byte of the protocol; the server needs `handshake_first: true` */
  readonly handshakeFirst?: boolean;
};

/** Where NATS is and who this process is there. */
export type NatsSettings = {
  /** `host:port` or `nats://host:port`; any of one cluster, at least one */
  readonly servers: readonly string[];
  /** begins every stream, subject and bucket name, so that several deployments share one NATS; `[a-z][a-z0-9]{0,15}`, default `mc` */
  readonly prefix?: string;
  /** shown by the server's monitoring, for example the role */
  readonly name?: string;
  /** seed of the user's nkey (`SU…`), or what reads it anew at each connection; without one the user is anonymous */
  readonly nkeySeed?: string | (() => string);
  readonly tls?: NatsTls;
  /** replies go to `<inboxPrefix>.<random>`; the user's permissions name it; default `_INBOX` */
  readonly inboxPrefix?: string;
  /** of the first connection; 100 to 60,000, default 5,000 */
  readonly connectTimeoutMs?: number;
  /** pause between tries to come back; 10 to 60,000, default 250 */
  readonly reconnectWaitMs?: number;
  /** silence after which the connection is probed, and given up after two probes without an answer; default 5,000 */
  readonly pingIntervalMs?: number;
};

/** Stream, subject and bucket names of one deployment: `MC_EV` and `mc.ev` for the prefix `mc`. */
export type NatsNames = {
  readonly prefix: string;
  /** `MC_<KIND>` */
  readonly stream: (kind: string) => string;
  /** `mc.<tokens joined by dots>`; tokens that come from outside go through `subjectToken` first */
  readonly subject: (...tokens: readonly string[]) => string;
};

/** A wrong prefix is a bug of the configuration, which checks it before. */
export function natsNames(prefix = 'mc'): NatsNames {
  if (!/^[a-z][a-z0-9]{0,15}$/.test(prefix)) throw new Error(`the NATS prefix "${prefix}" does not match [a-z][a-z0-9]{0,15}`);
  return {
    prefix,
    stream: (kind) => `${prefix}_${kind}`.toUpperCase(),
    subject: (...tokens) => [prefix, ...tokens].join('.'),
  };
}
