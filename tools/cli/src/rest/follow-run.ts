import { setTimeout as delay } from 'node:timers/promises';
import type { AnyEvent } from '@maestro/contracts';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { isAnswerError } from './answer-error.ts';
import type { RestClient } from './client.ts';
import { serverSentEvents } from './server-sent-events.ts';

/** An event of a run as it comes live; `at` is RFC 3339. */
export type LiveEvent = { readonly revision: number; readonly at: string; readonly commandId: string } & AnyEvent;

/** Cuts in a row without any event between them. */
const CUTS_MAX = 20;
const RECONNECT_MS = 250;

/**
 * Events of a run from the first to the terminal one, each once and in order, live.
 * F1. A cut is followed by a new connection that goes on after the last event seen.
 * F2. It ends after the terminal event and never before; too many cuts in a row are a CliError (exit code 6).
 */
export async function* followRun(client: RestClient, executionId: string): AsyncGenerator<LiveEvent> {
  let next = 0;
  for (let cuts = 0; cuts <= CUTS_MAX; cuts++) {
    try {
      for await (const event of tail(client, executionId, next)) {
        if (event.revision < next) continue;
        next = event.revision + 1;
        cuts = 0;
        yield event;
        if (isTerminal(event.type)) return;
      }
    } catch (error) {
      client.throwIfInterrupted();
      if (isAnswerError(error) && error.status < 500) throw error;
    }
    await delay(RECONNECT_MS);
    await client.renew();
  }
  throw new CliError(EXIT.noConductor, 'EVENTS_CUT', 'the event stream of the run breaks again and again');
}

async function* tail(client: RestClient, executionId: string, next: number): AsyncGenerator<LiveEvent> {
  const headers: { readonly [name: string]: string } = next === 0 ? {} : { 'last-event-id': String(next - 1) };
  const stream = await client.stream({ path: `/api/executions/${executionId}/events`, accept: 'text/event-stream', headers });
  if (stream === undefined) return;
  for await (const { data } of serverSentEvents(stream)) yield JSON.parse(data) as LiveEvent;
}

/** Whether nothing comes after an event of this type. */
export function isTerminal(type: string): boolean {
  return type === 'execution.completed.v1' || type === 'execution.denied.v1';
}
