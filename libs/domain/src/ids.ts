declare const brand: unique symbol;
/** A string that was checked once, where it entered; nothing but its `parse…` function makes one. */
export type Brand<Name extends string> = string & { readonly [brand]: Name };

export type WorkflowId = Brand<'WorkflowId'>;
export type ExecutionId = Brand<'ExecutionId'>;
export type TaskId = Brand<'TaskId'>;
export type CommandId = Brand<'CommandId'>;
export type StreamName = Brand<'StreamName'>;
/** 64 lower-case hex characters: SHA-256. */
export type Hash = Brand<'Hash'>;

const STREAM_NAME = /^[a-z]+-[a-z0-9_-]{1,128}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HASH = /^[0-9a-f]{64}$/;

/** `<category>-<id>`, lower case; two spellings of one id are one stream. Undefined when it cannot be a stream name. */
export function streamName(category: string, id: string): StreamName | undefined {
  const name = `${category}-${id.toLowerCase()}`;
  return STREAM_NAME.test(name) ? (name as StreamName) : undefined;
}

/** Checks a stored or received stream name; undefined when it is not one. */
export function parseStreamName(text: string): StreamName | undefined {
  return STREAM_NAME.test(text) ? (text as StreamName) : undefined;
}

/** The part before the first `-`: `execution`, `workflow`, `receipt`, … */
export function categoryOf(stream: StreamName): string {
  return stream.slice(0, stream.indexOf('-'));
}

/** The part after the first `-`. */
export function idOf(stream: StreamName): string {
  return stream.slice(stream.indexOf('-') + 1);
}

/** A lower-case UUID; undefined otherwise. */
export function parseExecutionId(text: string): ExecutionId | undefined {
  return UUID.test(text) ? (text as ExecutionId) : undefined;
}

/** 64 lower-case hex characters; undefined otherwise. */
export function parseHash(text: string): Hash | undefined {
  return HASH.test(text) ? (text as Hash) : undefined;
}

/** Stream of one run. An execution id is a UUID, so this cannot fail. */
export function executionStream(id: ExecutionId): StreamName {
  return `execution-${id}` as StreamName;
}

/** Stream that holds what became of one run's receipt. */
export function receiptStream(id: ExecutionId): StreamName {
  return `receipt-${id}` as StreamName;
}
