import type { ServerWritableStream } from '@grpc/grpc-js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';

export type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

/** False: the caller has left. Waits while the caller's window is full. */
export async function send(call: ReadCall, message: ReadResp): Promise<boolean> {
  if (call.cancelled || call.destroyed) return false;
  if (call.write(message)) return true;
  await new Promise<void>((resolve) => {
    const events = ['drain', 'cancelled', 'close'];
    const done = (): void => {
      for (const name of events) call.off(name, done);
      resolve();
    };
    for (const name of events) call.on(name, done);
  });
  return !call.cancelled;
}
