export { RefusedError, UnansweredError } from './client-errors.ts';
export { connectClient } from './connect-client.ts';
export type { ClientOptions } from './connect-client.ts';
export { MaestroClient } from './maestro-client.ts';
export type { ClientCommand, FollowedEvent, SendOptions } from './maestro-client.ts';
