import type { EventStoreDBClient } from '@eventstore/db-client';

type Listener = (message: unknown) => void;
type GuardedStream = {
  listeners(event: 'data'): Listener[];
  off(event: 'data', listener: Listener): unknown;
  on(event: 'data', listener: Listener): unknown;
  write(message: unknown): boolean;
};
type Stub = { getSupportedMethods(request: unknown, options: { deadline: number }, callback: unknown): unknown };
type Action = (stub: Stub) => unknown;
type GuardedChannel = { close(): void; readonly internalChannel: { getOptions(): Record<string, unknown> } };
type Creator = (stub: unknown) => GuardedStream;
/** Members of the pinned client, 6.2.1, that it does not declare as public. A spec fails where a newer one lacks them. */
export type ClientSeams = {
  GRPCStreamCreator(stub: unknown, name: string, creator: Creator, cache?: unknown): () => Promise<unknown>;
  execute(stub: unknown, name: string, action: Action): Promise<unknown>;
  createChannel(): Promise<GuardedChannel>;
  handleError(stub: unknown, error: unknown): Promise<void>;
  supports(method: { readonly path: string }, feature?: string): Promise<boolean>;
};

/** `useBatchAppend` false: the client appends by calls of their own, as on a server that offers nothing else. */
export type GuardOptions = { readonly useBatchAppend: boolean };

/** The service that is asked before the first append has no time limit of its own. */
const FEATURES_DEADLINE_MS = 2_000;
/** Bytes that a server may send before it hears of what was read, on one stream and on all of a connection. */
const WINDOW_BYTES = 4 * 1_024 * 1_024;

/**
 * Takes six defects out of a fresh client, before its first call; answers what ends its connections, too.
 *
 * G1. All clients of a process share one list of appends that wait for a reply, and an error on any stream empties it. A
 *     reply that comes later throws inside an event listener, which ends the process: such replies are dropped.
 * G2. Writes that wait for a full stream reject unhandled when it breaks, which ends the process: writes never wait.
 *     The appends in flight are bounded by the adapter instead.
 * G3. The question for the server's features has a deadline.
 * G4. What the client does about an error of a stream may itself fail, when no node can be found, and nobody waits for it,
 *     which ends the process: it fails in silence, as the next call fails, too.
 * G5. Ending a client ends its streams but not its connections, and a later call would open a new one.
 * G6. All streams of a connection share a window of 64 KiB, and the client has no option for it: with a subscription for each
 *     partition they wait for one another's round trips, on busy cores for seconds. It is opened before the first call connects.
 */
export function guard(client: EventStoreDBClient, o: GuardOptions): { endConnections(): void } {
  const seams = client as unknown as ClientSeams;
  const { GRPCStreamCreator: streamCreator, execute, createChannel, handleError } = seams;
  seams.GRPCStreamCreator = (stub, name, creator, cache) =>
    streamCreator(stub, name, cache === undefined ? creator : (s) => guardedBatch(creator(s)), cache);
  seams.execute = (stub, name, action) =>
    execute(stub, name, name === 'getSupportedMethods' ? (s) => action(withDeadline(s)) : action);
  seams.handleError = (stub, error) => handleError(stub, error).catch(() => {});
  if (!o.useBatchAppend) seams.supports = async () => false; // the adapter uses nothing else that a server may lack
  const channels: GuardedChannel[] = [];
  let ended = false;
  seams.createChannel = async () => {
    if (ended) throw new Error('this client was replaced');
    const channel = await createChannel();
    channel.internalChannel.getOptions()['grpc-node.flow_control_window'] = WINDOW_BYTES;
    channels.push(channel);
    return channel;
  };
  return {
    endConnections() {
      ended = true;
      for (const channel of channels) channel.close();
    },
  };
}

function guardedBatch(stream: GuardedStream): GuardedStream {
  for (const listener of stream.listeners('data')) {
    stream.off('data', listener);
    stream.on('data', (message) => {
      try {
        listener(message);
      } catch {
        // nobody waits for this reply: whoever sent it was told of an unknown outcome, and reads back
      }
    });
  }
  const write = stream.write.bind(stream);
  stream.write = (message) => {
    write(message);
    return true;
  };
  return stream;
}

function withDeadline(stub: Stub): Stub {
  const ask = (request: unknown, callback: unknown): unknown =>
    stub.getSupportedMethods(request, { deadline: Date.now() + FEATURES_DEADLINE_MS }, callback);
  return { getSupportedMethods: ask as Stub['getSupportedMethods'] };
}
