// Who may publish and hear what, as data. One NATS user per role of the conductor, per caller and per external worker; each
// hears only its own inbox, so that nobody reads answers of another. docs/nats.md explains each row.

/** A deployment, as far as its permissions depend on it. */
export type Deployment = {
  /** of subjects, streams and buckets: `[a-z][a-z0-9]{0,15}` */
  readonly prefix: string;
  /** users that send commands: 1 to 64 of `A-Z a-z 0-9 - _` */
  readonly callers: readonly string[];
  /** users that serve the packages of the group of the same name: 1 to 32 of `a-z 0-9 -` */
  readonly workers: readonly string[];
  /** classes of the built-in runners */
  readonly classes: readonly string[];
  /** JetStream holds the events */
  readonly eventsInNats: boolean;
};

export type Permissions = { readonly publish: readonly string[]; readonly subscribe: readonly string[] };

export const ROLES = ['api', 'command', 'policy', 'runner', 'projector', 'receipt'] as const;
export type Role = (typeof ROLES)[number];

/** Users of the conductor's own account, by name. */
export function permissionsOf(d: Deployment): ReadonlyMap<string, Permissions> {
  // `local` is who comes over REST
  const taken: readonly string[] = [...ROLES, 'operator', 'system', 'local'];
  const names = [...d.callers, ...d.workers];
  const wrong = names.find((name, i) => !/^[A-Za-z0-9_-]{1,64}$/.test(name) || taken.includes(name) || names.indexOf(name) !== i);
  if (wrong !== undefined) throw new RangeError(`"${wrong}" cannot be the name of a caller or worker: it is taken, given twice, or not of A-Z a-z 0-9 - _`);
  return new Map<string, Permissions>([
    ['api', api(d)],
    ['command', command(d)],
    ['policy', { publish: [...takesWork(d, ['w-policy-default']), ...commands(d, '*.record-policy-decision'), `${d.prefix}.parked.*`], subscribe: ['_INBOX_policy.>', `${d.prefix}.ctl.default`] }],
    ['runner', runner(d)],
    ['projector', { publish: d.eventsInNats ? readsEvents(d) : [], subscribe: ['_INBOX_projector.>', ...headOf(d)] }],
    ['receipt', { publish: d.eventsInNats ? [...readsEvents(d), ...appendsEvents(d, ['receipt'])] : [], subscribe: ['_INBOX_receipt.>', ...headOf(d)] }],
    ...d.callers.map((name) => [name, caller(d, name)] as const),
    ...d.workers.map((name) => [name, worker(d, name)] as const),
  ]);
}

const streamOf = ({ prefix }: Deployment, kind: string): string => `${prefix.toUpperCase()}_${kind}`;
const commands = ({ prefix }: Deployment, ...ends: readonly string[]): string[] => ends.map((end) => `${prefix}.cmd.*.${end}`);

/** Both forms of an acknowledgement's subject; the second is announced for later servers. */
function acknowledges(stream: string, consumer: string): string[] {
  return [`$JS.ACK.${stream}.${consumer}.>`, `$JS.ACK.*.*.${stream}.${consumer}.>`];
}

function takesFrom(stream: string, consumer: string): string[] {
  return [`$JS.API.CONSUMER.INFO.${stream}.${consumer}`, `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, ...acknowledges(stream, consumer)];
}

function takesWork(d: Deployment, consumers: readonly string[]): string[] {
  return consumers.flatMap((consumer) => takesFrom(streamOf(d, 'WORK'), consumer));
}

function makes(...streams: readonly string[]): string[] {
  return streams.flatMap((stream) => ['CREATE', 'UPDATE', 'INFO'].map((call) => `$JS.API.STREAM.${call}.${stream}`));
}

/** The bucket of announced packages: read with consumers that end with their reader. */
function readsPackages({ prefix }: Deployment): string[] {
  const stream = `KV_${prefix}-packages`;
  return [
    `$JS.API.STREAM.CREATE.${stream}`,
    `$JS.API.STREAM.INFO.${stream}`,
    ...['CREATE', 'INFO', 'MSG.NEXT', 'DELETE'].map((call) => `$JS.API.CONSUMER.${call}.${stream}.>`),
    `$JS.API.CONSUMER.CREATE.${stream}`,
  ];
}

function headOf({ prefix, eventsInNats }: Deployment): string[] {
  return eventsInNats ? [`${prefix}.head`] : [];
}

function readsEvents(d: Deployment): string[] {
  const stream = streamOf(d, 'EV');
  const mark = streamOf(d, 'MARK');
  return [
    ...[stream, mark].flatMap((each) => [`$JS.API.STREAM.INFO.${each}`, `$JS.API.STREAM.MSG.GET.${each}`]),
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    '$JS.API.STREAM.NAMES',
  ];
}

function appendsEvents(d: Deployment, categories: readonly string[]): string[] {
  return [...categories.map((category) => `${d.prefix}.ev.${category}.*`), `${d.prefix}.mark`];
}

/** Forwards what callers send, answers below their inboxes, and nothing else that is theirs. */
function api(d: Deployment): Permissions {
  const intake = streamOf(d, 'INTAKE');
  return {
    publish: [
      ...commands(d, 'execution.start', 'execution.resume', 'execution.cancel', 'workflow.save-draft', 'workflow.publish', 'workflow.promote', 'workflow.rollback'),
      ...(d.workers.length > 0 ? commands(d, 'execution.start-task', 'execution.report-task') : []),
      ...[...d.callers, ...d.workers].map((name) => `_INBOX_${name}.>`),
      `$JS.API.STREAM.CREATE.${intake}`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${intake}.intake`,
      `$JS.API.CONSUMER.CREATE.${intake}.intake`,
      ...takesFrom(intake, 'intake'),
      ...readsPackages(d),
      ...(d.eventsInNats ? readsEvents(d) : []),
    ],
    subscribe: ['_INBOX_api.>', `${d.prefix}.in.>`, ...headOf(d)],
  };
}

/** Owns aggregates: makes the streams of commands and work, and deletes none. */
function command(d: Deployment): Permissions {
  const [cmd, work, parked, delay] = ['CMD', 'WORK', 'PARKED', 'DELAY'].map((kind) => streamOf(d, kind)) as [string, string, string, string];
  return {
    publish: [
      `${d.prefix}.work.>`,
      `${d.prefix}.ctl.*`,
      `${d.prefix}.parked.*`,
      `${d.prefix}.delay.>`,
      ...commands(d, 'execution.fail-binding', 'execution.fire-timer', 'execution.continue-scheduling', 'workflow.fire-timer'),
      ...['api', 'policy', 'runner', 'command'].map((role) => `_INBOX_${role}.>`),
      ...makes(cmd, work, parked, delay),
      ...[cmd, work, delay].flatMap((stream) => ['CREATE', 'DURABLE.CREATE', 'INFO'].map((call) => `$JS.API.CONSUMER.${call}.${stream}.>`)),
      `$JS.API.CONSUMER.MSG.NEXT.${cmd}.>`,
      `$JS.API.CONSUMER.UNPIN.${cmd}.>`,
      `$JS.API.CONSUMER.MSG.NEXT.${delay}.>`,
      ...acknowledges(cmd, '*'),
      ...acknowledges(delay, '*'),
      // wake-ups have a stream for themselves, where one is taken back by its subject
      `$JS.API.STREAM.PURGE.${delay}`,
      // taking one work back, by its number
      ...[work, delay].map((stream) => `$JS.API.STREAM.MSG.DELETE.${stream}`),
      ...[work, parked].map((stream) => `$JS.API.STREAM.MSG.GET.${stream}`),
      `$JS.API.DIRECT.GET.${parked}`,
      `$JS.API.DIRECT.GET.${parked}.>`,
      ...readsPackages(d),
      ...(d.eventsInNats ? [...readsEvents(d), ...appendsEvents(d, ['execution', 'workflow']), ...[streamOf(d, 'EV'), streamOf(d, 'MARK')].map((stream) => `$JS.API.STREAM.CREATE.${stream}`)] : []),
    ],
    subscribe: ['_INBOX_command.>', `${d.prefix}.ctl.*`, ...headOf(d)],
  };
}

function runner(d: Deployment): Permissions {
  return {
    publish: [...takesWork(d, d.classes.map((each) => `w-task-${each}`)), ...commands(d, 'execution.start-task', 'execution.report-task'), `${d.prefix}.parked.*`],
    subscribe: ['_INBOX_runner.>', ...d.classes.map((each) => `${d.prefix}.ctl.${each}`)],
  };
}

/** Commands and questions under its own name. Which commands one caller may send is narrowed here. */
function caller({ prefix }: Deployment, name: string): Permissions {
  return { publish: [`${prefix}.in.${name}.*.*`, `${prefix}.intake.${name}.*.*`], subscribe: [`_INBOX_${name}.>`] };
}

/** Work of its own class, announcements of its own group, reports under its own name. */
function worker(d: Deployment, name: string): Permissions {
  const verbs = ['execution.start-task', 'execution.report-task', 'task.heartbeat'];
  return {
    publish: [...takesWork(d, [`w-task-${name}`]), `$KV.${d.prefix}-packages.${name}.*.*`, ...verbs.map((verb) => `${d.prefix}.in.${name}.${verb}`)],
    subscribe: [`_INBOX_${name}.>`, `${d.prefix}.ctl.${name}`],
  };
}
