import type { Clock, Entropy } from '@maestro/ports';
import { canonicalText, sha256 } from '@maestro/receipt';
import { v7 } from 'uuid';

/** Command id of an inside command: hash of the intent that it answers and its verb, so that a repeat is the same. */
export function internalCommandId(intentId: string, verb: string): string {
  return sha256(canonicalText([intentId, verb]));
}

/** Command id of a client's command: the same key on the same route by the same principal is the same command. */
export function clientCommandId(tenant: string, principal: string, route: string, key: string): string {
  return sha256(canonicalText([tenant, principal, route, key]));
}

/** UUIDv7: ids in the order of their making, so that they stay together in an index. */
export function newExecutionId(clock: Clock, entropy: Entropy): string {
  return v7({ msecs: clock.nowMs(), random: entropy.bytes(16) });
}

/** UUIDv8 of a command id: the run that a repeated start finds again. */
export function uuidFrom(commandId: string): string {
  const hex = sha256(`execution/${commandId}`);
  const variant = (8 + (Number.parseInt(hex.slice(16, 17), 16) % 4)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
