import { ROLES } from '../roles/role-table.ts';
import type { Setting } from './setting.ts';

/**
 * Settings that only processes of a cluster look at. A dot makes a section of the file: `nats.servers` is `servers` below
 * `nats`, `--nats-servers`, `MAESTRO_NATS_SERVERS`. Secrets (`…File`) are read from the file that is named, or from the
 * variable without `_FILE`; a configuration file or a command line never holds one.
 */
export const CLUSTER_SETTINGS = {
  role: { kind: 'names', choices: ROLES, byDefault: [], meaning: 'roles of this process; none named: all of them' },
  opsPort: { kind: 'integer', unit: 'port', min: 0, max: 65_535, byDefault: 0, meaning: 'port for `/healthz`, `/readyz` and `/metrics` of this process; 0: any free one' },
  name: { kind: 'word', byDefault: null, meaning: 'name of this process in leases, events and logs; none: host name and process id' },
  prefix: { kind: 'word', byDefault: 'mc', meaning: 'of all names on NATS, so that deployments can share one: lower-case letters and digits' },
  partitions: { kind: 'integer', unit: 'partitions', min: 1, max: 64, byDefault: 6, meaning: 'shares of the streams that command and receipt processes divide among them; the same for all processes' },
  publicUrl: { kind: 'origin', byDefault: null, meaning: 'address at which tasks and people reach the api role' },
  accessTokenFile: { kind: 'secret', meaning: 'what clients send where `auth: token`; the api processes of a cluster share it' },
  'nats.servers': { kind: 'servers', byDefault: [], meaning: 'addresses of nats-server, 2.15.2 or newer' },
  'nats.seedFile': { kind: 'secret', meaning: 'nkey seed of this process\'s user' },
  'nats.caFile': { kind: 'file', byDefault: null, meaning: 'certificates that the servers\' one must come from; named: the connection is TLS' },
  'nats.certFile': { kind: 'file', byDefault: null, meaning: 'certificate of this process, where the servers ask for one' },
  'nats.keyFile': { kind: 'file', byDefault: null, meaning: 'private key of that certificate' },
  'nats.inboxPrefix': { kind: 'word', byDefault: '_INBOX', meaning: 'where answers come to; the permissions of the user name it' },
  'nats.replicas': { kind: 'integer', unit: 'copies', min: 1, max: 5, byDefault: 1, meaning: 'copies of each JetStream stream; 3 in production' },
  'nats.callers': { kind: 'words', byDefault: [], meaning: 'users of NATS that may send commands, each as `user:<name>`; which ones, their permissions say' },
  'nats.workers': { kind: 'words', byDefault: [], meaning: 'users of NATS that are external workers: they report tasks, as `role:runner`, with the token of their work' },
  'nats.monitors': { kind: 'origins', byDefault: [], meaning: 'monitoring addresses `http://host:8222` of all servers: they prove that events are synced, where NATS holds the events' },
  'store.engine': { kind: 'choice', choices: ['eventstoredb', 'jetstream'], byDefault: 'eventstoredb', meaning: 'where events are' },
  'store.acceptWeakDurability': { kind: 'switch', byDefault: false, meaning: 'start although NATS does not sync every event to disk; each receipt says so' },
  'eventstoredb.connectionFile': { kind: 'secret', meaning: 'connection string, `esdb://…`' },
  'postgres.urlFile': { kind: 'secret', meaning: 'connection string, `postgres://…`' },
  'postgres.poolMax': { kind: 'integer', unit: 'connections', min: 2, max: 100, byDefault: 8, meaning: 'connections of this process at most' },
  's3.endpoint': { kind: 'origin', byDefault: null, meaning: 'address of the object store; none: that of AWS for the region' },
  's3.region': { kind: 'word', byDefault: 'us-east-1', meaning: 'region of the bucket' },
  's3.bucket': { kind: 'word', byDefault: null, meaning: 'made with Object Lock; see docs/operations.md' },
  's3.pathStyle': { kind: 'switch', byDefault: false, meaning: 'the bucket is in the path, as most stores but AWS need it' },
  's3.accessKeyFile': { kind: 'secret', meaning: 'access key id' },
  's3.secretKeyFile': { kind: 'secret', meaning: 'secret access key' },
  's3.retentionDays': { kind: 'integer', unit: 'days', min: 1, max: 36_500, byDefault: 3_650, meaning: 'how long receipts cannot be deleted by anybody' },
  'keys.folder': { kind: 'folder', byDefault: '.maestro/keys', meaning: 'signing key (receipt role) and signed key registry (api, receipt)' },
  'keys.wrappingFile': { kind: 'file', byDefault: null, meaning: 'holds the keys that wrap the data keys of the vault, one a line, base64 of 32 bytes, mode 0600; made where it is missing' },
  'keys.workFile': { kind: 'secret', meaning: 'what the command role makes tokens of work with: 32 bytes or more, the same for all command processes, known to no runner' },
} as const satisfies { readonly [name: string]: Setting };
