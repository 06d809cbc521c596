// The settings of nats-server as text, made from permissions.ts.
import type { Permissions } from './permissions.ts';

/** Public keys by user: `U…` of the nkeys. `operator`: everything in the conductor's account; `system`: the server's own reports. */
export type PublicKeys = ReadonlyMap<string, string>;

export type ServerSettings = {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** PEM files; paths are relative to the configuration */
  readonly tls: { readonly certFile: string; readonly keyFile: string };
  readonly storeDir: string;
  /** file with `key` and `cipher` of the encryption at rest, included */
  readonly storageKeyFile: string;
};

/** Users and what each may do. The account of the conductor has JetStream; the other only tells of the servers. */
export function accountsText(permissions: ReadonlyMap<string, Permissions>, keys: PublicKeys): string {
  const list = (subjects: readonly string[]): string => (subjects.length === 0 ? '{ deny: [">"] }' : `[${subjects.map((subject) => JSON.stringify(subject)).join(', ')}]`);
  const users = [...permissions].map(([name, { publish, subscribe }]) => {
    const key = keyOf(keys, name);
    return `      # ${name}\n      { nkey: ${key}, permissions { publish: ${list(publish)}, subscribe: ${list(subscribe)} } }`;
  });
  return `accounts {
  MAESTRO {
    jetstream: enabled
    users: [
${users.join('\n')}
      # operator: a person with the nats tool, and nobody else
      { nkey: ${keyOf(keys, 'operator')}, permissions { publish: ">", subscribe: ">" } }
    ]
  }
  SYSTEM {
    users: [
      # who holds the events proves by these reports that they are synced
      { nkey: ${keyOf(keys, 'system')}, permissions { publish: ["$SYS.REQ.SERVER.PING.JSZ"], subscribe: ["_INBOX_system.>"] } }
    ]
  }
}
system_account: SYSTEM
`;
}

export function serverText(s: ServerSettings): string {
  return `server_name: ${s.name}
listen: "${s.host}:${s.port}"
# work and reports are one message each
max_payload: 8MB
tls {
  cert_file: "${s.tls.certFile}"
  key_file: "${s.tls.keyFile}"
  min_version: "1.3"
}
jetstream {
  store_dir: "${s.storeDir}"
  # what was acknowledged is on disk: events, where they are here, and commands that were handed in. Work is in memory
  sync_interval: always
  include "${s.storageKeyFile}"
}
`;
}

function keyOf(keys: PublicKeys, name: string): string {
  const key = keys.get(name);
  if (key === undefined) throw new Error(`no key of the user ${name}`);
  return key;
}
