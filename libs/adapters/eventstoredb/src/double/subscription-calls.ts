import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { EventLog } from './log.ts';
import type { LogRecord } from './log-record.ts';
import type { NodeState } from './node-state.ts';
import { send, type ReadCall } from './read-call.ts';
import { serviceError, sharedReadEvent } from './wire.ts';

const SEARCH_WINDOW_DEFAULT = 32;

type Filter = { readonly lets: (record: LogRecord) => boolean; readonly checkpointEvents: number };

/** Undefined: none was asked for, and then there are no checkpoints either. */
function filterOf(options: ReadReq.Options): Filter | undefined {
  const asked = options.getFilter();
  if (asked === undefined) return undefined;
  const expression = asked.hasStreamIdentifier() ? asked.getStreamIdentifier() : asked.getEventType();
  const text = (r: LogRecord): string => (asked.hasStreamIdentifier() ? r.stream : r.type);
  const pattern = expression?.getRegex() ?? '';
  const prefixes = expression?.getPrefixList() ?? [];
  const regex = pattern === '' ? undefined : new RegExp(pattern);
  const checkpointEvents = (asked.hasMax() ? asked.getMax() : SEARCH_WINDOW_DEFAULT) * asked.getCheckpointintervalmultiplier();
  if (checkpointEvents === 0) throw serviceError(status.INVALID_ARGUMENT, 'checkpoint interval must not be 0');
  const lets = (r: LogRecord): boolean => regex?.test(text(r)) ?? prefixes.some((p) => text(r).startsWith(p));
  return { lets, checkpointEvents };
}

/** Index of the first event to send: subscriptions start after a position. */
function startOf(log: EventLog, options: ReadReq.Options): number {
  const asked = options.getAll();
  if (asked?.hasEnd() === true) return log.records.length;
  if (asked?.hasPosition() !== true) return 0;
  return log.indexAt(BigInt(asked.getPosition()?.getCommitPosition() ?? 0) + 1n);
}

const checkpoint = (at: LogRecord): ReadResp => {
  const position = String(at.position);
  const body = new streams.ReadResp.Checkpoint().setCommitPosition(position).setPreparePosition(position);
  return new streams.ReadResp().setCheckpoint(body);
};

/**
 * A subscription to all events: confirmation, events, checkpoint and caught-up at the head, then live.
 *
 * F1. `next` is the index of the first event not yet considered; a caller that does not read holds nothing but this.
 * F2. Checkpoints ascend, and the same one is never sent twice.
 */
export async function followAll(state: NodeState, call: ReadCall): Promise<void> {
  const { log } = state;
  const options = call.request.getOptions();
  if (options === undefined) return;
  const filter = filterOf(options);
  const left = new AbortController();
  call.on('cancelled', () => left.abort());
  const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(randomUUID());
  await send(call, new streams.ReadResp().setConfirmation(confirmation));
  let next = startOf(log, options);
  let told: LogRecord | undefined;
  let considered = 0;
  const tell = async (at: LogRecord | undefined): Promise<void> => {
    considered = 0;
    if (filter === undefined || at === undefined || at === told) return;
    told = at;
    await send(call, checkpoint(at));
  };
  for (let caughtUp = false; !call.cancelled; ) {
    await state.faults.hanging();
    const record = log.records[next];
    if (record === undefined && !caughtUp) {
      caughtUp = true;
      await tell(log.records[next - 1]);
      await send(call, new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()));
    } else if (record === undefined) {
      await log.moved(left.signal);
    } else {
      next += 1;
      considered += 1;
      if ((filter?.lets(record) ?? true) && !(await send(call, sharedReadEvent(record)))) return;
      if (considered >= (filter?.checkpointEvents ?? Infinity)) await tell(record);
    }
  }
}
