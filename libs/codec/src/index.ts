export { decodeEvent } from './decode.ts';
export type { DecodeFailure, Decoded } from './decode.ts';
export { decodePlaces, decodeSealed, encodePlaces, encodeSealed, openedPlacesOf, openedValue, seal, sealedPlacesOf } from './sealed-places.ts';
export type { SealedPart, SealedPlace, Secrets } from './sealed-places.ts';
export { EMPTY_HEAD, prepareCommit, storedForm } from './stored-form.ts';
export type { Cause, PreparedEvent, StreamHead } from './stored-form.ts';
