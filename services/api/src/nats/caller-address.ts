/** Who says what, by the subject that NATS let them publish to. */
export type CallerAddress = { readonly user: string; readonly aggregate: string; readonly verb: string };

const ADDRESS = /^([A-Za-z0-9_-]{1,64})\.([a-z]{1,32})\.([a-z-]{1,64})$/;

/** `<user>.<aggregate>.<verb>`; undefined for anything else. */
export function callerAddress(address: string): CallerAddress | undefined {
  const [, user, aggregate, verb] = ADDRESS.exec(address) ?? [];
  return user === undefined || aggregate === undefined || verb === undefined ? undefined : { user, aggregate, verb };
}

/**
 * Whether an answer may go to this subject. An answer is published with the rights of the api role, so any other subject
 * would let a caller publish there too.
 */
export function isOwnInbox(user: string, replyTo: string | null): replyTo is string {
  return replyTo !== null && replyTo.startsWith(`_INBOX_${user}.`) && /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$/.test(replyTo);
}
