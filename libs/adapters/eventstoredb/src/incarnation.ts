import { randomUUID } from 'node:crypto';
import { binaryEvent } from '@eventstore/db-client';
import { Fault, isFault, type CallOptions } from '@maestro/ports';
import { faultOf, isCallFailure, toCallFailure } from './call-failure.ts';
import { eventHash, packEnvelope, unpackEnvelope } from './event-envelope.ts';
import type { Namespace } from './namespace.ts';
import type { LogPosition } from './place-cursor.ts';
import { readStreamPage } from './read-page.ts';
import { ownPosition, positionOf } from './stream-reader.ts';
import { pauseMs, type SupervisedClient } from './supervised-client.ts';
import { pause } from './time-limit.ts';

// No stream of the program can be called so: it has no dash.
const STREAM = 'incarnation';
const TYPE = 'incarnation.v1';
const PLACE = { stream: STREAM, revision: 0n };

/** Which data this is, and where in the server's log it begins. */
export type Incarnation = { readonly id: string; readonly origin: LogPosition };

/** Undefined: nobody has used this namespace yet. */
async function read(client: SupervisedClient, name: string, o: CallOptions): Promise<Incarnation | undefined> {
  let found: Incarnation | undefined;
  try {
    await client.reading('reading the incarnation', o, (live, left, alive) =>
      readStreamPage(live, name, { direction: 'forward', count: 1 }, { left, alive }, ({ event }) => {
        if (event === undefined) return true;
        const { bytes } = unpackEnvelope(PLACE, event);
        found = { id: new TextDecoder().decode(bytes), origin: ownPosition(positionOf(event)) };
        return true;
      }),
    );
  } catch (error) {
    if (!isCallFailure(error)) throw error;
  }
  return found;
}

/**
 * Reads the marker event of this namespace, and writes it where there is none; of several processes at once, one wins.
 * Cursors carry its id: those of a database that was made anew are refused. Faults: STORE_UNAVAILABLE, STORE_DENIED,
 * STORE_DAMAGED.
 */
export async function findIncarnation(client: SupervisedClient, namespace: Namespace, timeoutMs: number): Promise<Incarnation> {
  const endMs = performance.now() + timeoutMs;
  const name = namespace.nameOf(STREAM);
  const id = randomUUID();
  const bytes = new TextEncoder().encode(id);
  const event = { id, type: TYPE, bytes, hash: eventHash(bytes).toString('hex'), sealed: null };
  const wire = binaryEvent({ id, type: TYPE, data: packEnvelope(PLACE, event) });
  for (let tries = 0; ; tries += 1) {
    const left = (): number => endMs - performance.now();
    const found = await read(client, name, { timeoutMs: Math.max(1, left()) });
    if (found !== undefined) return found;
    try {
      await client.once({ timeoutMs: left(), kind: 'append' }, (live) =>
        live.appendToStream(name, wire, { expectedRevision: 'no_stream', requiresLeader: true }),
      );
    } catch (error) {
      if (isFault(error)) throw error;
      const failure = toCallFailure(error);
      if (failure.kind === 'stream-deleted') throw new Fault('STORE_DAMAGED', `stream ${name} was deleted; restore a backup`);
      const mayPass = ['wrong-version', 'not-leader', 'unavailable', 'timed-out'].includes(failure.kind);
      if (!mayPass || left() <= 0) throw faultOf(failure, 'writing the incarnation');
    }
    await pause(pauseMs(tries), client.closing);
  }
}
