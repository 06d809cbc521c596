export { ConnectionWatch, Disconnected } from './connection/connection-watch.ts';
export { NATS_VERSION_MIN, openNatsConnection } from './connection/nats-connection.ts';
export type { NatsLink } from './connection/nats-connection.ts';
export { natsNames } from './connection/nats-settings.ts';
export type { NatsNames, NatsSettings, NatsTls } from './connection/nats-settings.ts';
export { idOfToken, subjectToken } from './connection/subject-token.ts';
export { openCallerMessages } from './edge/caller-messages.ts';
