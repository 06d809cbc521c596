export { JSON_DEPTH_MAX, canonicalBytes, canonicalText, escapePointer, findUnrepresentable } from './canonical.ts';
export type { Unrepresentable } from './canonical.ts';
export { ZERO_HASH, eventHash, eventId, merkleRoot, sha256 } from './chain.ts';
export { commit, opens } from './commitment.ts';
export type { Commitment, OpenedPlace } from './commitment.ts';
