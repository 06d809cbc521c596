import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { SqliteEventStoreOptions } from '@maestro/adapter-sqlite';
import { moduleOf } from './module-of.ts';

type StartWriter = NonNullable<SqliteEventStoreOptions['startWriter']>;

/**
 * The writer of an event store on the caller's thread: the same opening, mending and writing, without the start of a
 * thread, which would be most of the time of a judgement.
 */
export async function nearWriter(): Promise<StartWriter> {
  const loop = await moduleOf<{ readonly serveWriter: (port: MessagePort, o: Parameters<StartWriter>[0]) => void }>('@maestro/adapter-sqlite', 'writer-loop');
  return (o) => {
    const { port1, port2 } = new MessageChannel();
    return {
      post: (message, transfer) => port1.postMessage(message, transfer),
      listen(message, ended) {
        port1.on('message', message);
        port1.on('close', () => ended('its port was closed'));
        loop.serveWriter(port2, o);
      },
    };
  };
}
