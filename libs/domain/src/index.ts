export type { Json, JsonObject } from './json.ts';
export type { Brand, CommandId, ExecutionId, Hash, StreamName, TaskId, WorkflowId } from './ids.ts';
export { categoryOf, executionStream, idOf, parseExecutionId, parseHash, parseStreamName, receiptStream, streamName } from './ids.ts';
