import { Server, ServerCredentials } from '@grpc/grpc-js';
import features from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { appendCalls, batchCalls, type BatchCall } from './append-calls.ts';
import { deleteCalls, tombstoneCalls } from './delete-calls.ts';
import { Faults } from './faults.ts';
import type { EventLog } from './log.ts';
import { featureCalls, gossipCalls } from './node-calls.ts';
import type { Member, NodeOptions, NodeState } from './node-state.ts';
import { readCalls } from './read-calls.ts';
import { encodeRead, serviceError, type Endpoint } from './wire.ts';

const HOST = '127.0.0.1';
/** As the server sets it: an append of its largest size and what stands around it. */
const RECEIVE_BYTES_MAX = 17 * 1024 * 1024;
const APPEND_BYTES_MAX = 1024 * 1024;

/** One server of the double. What it stores is in the log that all nodes of a cluster share. */
export class DoubleNode {
  readonly faults = new Faults();
  readonly calls = new Map<string, number>();
  readonly #log: EventLog;
  readonly #members: () => readonly Member[];
  readonly #options: NodeOptions;
  readonly #batches = new Set<BatchCall>();
  #server: Server | undefined;
  #port = 0;

  constructor(log: EventLog, members: () => readonly Member[], options: NodeOptions) {
    this.#log = log;
    this.#members = members;
    this.#options = options;
  }

  get endpoint(): Endpoint {
    return { host: HOST, port: this.#port };
  }

  get isAlive(): boolean {
    return this.#server !== undefined;
  }

  /** Listens: at the first time on `port` (0: a free one), later on the same again. */
  async start(port = 0): Promise<void> {
    const server = new Server({ 'grpc.max_receive_message_length': RECEIVE_BYTES_MAX, 'grpc.max_send_message_length': -1 });
    const state = this.#state();
    const { read, ...others } = streams.StreamsService;
    server.addService({ ...others, read: { ...read, responseSerialize: encodeRead } }, {
      read: readCalls(state),
      append: appendCalls(state),
      batchAppend: batchCalls(state, this.#batches),
      delete: deleteCalls(state),
      tombstone: tombstoneCalls(state),
    });
    server.addService(features.ServerFeaturesService, { getSupportedMethods: featureCalls(state) });
    server.addService(gossip.GossipService, { read: gossipCalls(state) });
    this.#port = await new Promise<number>((resolve, reject) => {
      const address = `${HOST}:${this.#port === 0 ? port : this.#port}`;
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    this.#server = server;
  }

  /** Ends it as a kill would: connections break, what hangs is never answered. */
  kill(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.#batches.clear();
  }

  /** Breaks every connection; the server goes on to listen. */
  cutConnections(): void {
    this.#server?.drain(`${HOST}:${this.#port}`, 0);
  }

  /** Ends every open BatchAppend with an error, so that all appends on it are rejected together. */
  breakBatches(): void {
    for (const call of this.#batches) call.emit('error', serviceError(14, 'Server Is Too Busy'));
    this.#batches.clear();
  }

  #state(): NodeState {
    const { batchAppend = true, appendBytesMax = APPEND_BYTES_MAX } = this.#options;
    const endpoint = (): Endpoint => this.endpoint;
    return {
      log: this.#log,
      faults: this.faults,
      calls: this.calls,
      members: this.#members,
      options: { batchAppend, appendBytesMax },
      get endpoint() {
        return endpoint();
      },
    };
  }
}
