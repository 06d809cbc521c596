import { traceContextOf } from '@maestro/domain';
import type { CommandEnvelope, CommandGateway, SpanAttributes, Tracer } from '@maestro/ports';
import { senderOf } from '../commands/command-senders.ts';
import { inSpan } from './in-span.ts';

/**
 * Commands that come in from outside, each one span: it begins a trace, or goes on with that of the caller. Its context becomes
 * the correlation id, so that it lies in every event that the command leads to. What a worker reports goes on with the run's.
 * Without a tracer the gateway is the same as before.
 */
export function tracedEdge(gateway: CommandGateway, tracer: Tracer | undefined): CommandGateway {
  if (tracer === undefined) return gateway;
  return {
    send: (envelope) =>
      tracer.span(`receive ${envelope.command.type}`, { parent: envelope.traceparent, kind: 'server', attributes: attributesOf(envelope) }, (traceparent) => {
        const correlationId = senderOf(envelope.actor) === 'client' ? traceparent : (envelope.traceparent ?? envelope.correlationId);
        return gateway.send({ ...envelope, correlationId, traceparent });
      }),
  };
}

/** Commands as they are handled, each one span below whoever sent it. Without a tracer the gateway is the same as before. */
export function tracedHandling(gateway: CommandGateway, tracer: Tracer | undefined): CommandGateway {
  if (tracer === undefined) return gateway;
  return {
    send: (envelope) =>
      inSpan(tracer, `handle ${envelope.command.type}`, { parent: parentOf(envelope), attributes: attributesOf(envelope) }, (traceparent) =>
        gateway.send(traceparent === undefined ? envelope : { ...envelope, traceparent }),
      ),
  };
}

/** The span of whoever sent it; after a crash of the sender, that of the request that began it all. */
export function parentOf({ traceparent, correlationId }: Pick<CommandEnvelope, 'traceparent' | 'correlationId'>): string | undefined {
  return traceparent ?? traceContextOf(correlationId);
}

function attributesOf({ command, commandId, actor }: CommandEnvelope): SpanAttributes {
  return { 'maestro.command.type': command.type, 'maestro.command.id': commandId, 'maestro.sender': senderOf(actor) ?? 'nobody' };
}
