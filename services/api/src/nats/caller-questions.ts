import { messageValidators } from '@maestro/contracts';
import type { QueryExecutionV1Message, TaskHeartbeatV1Message, Validate } from '@maestro/contracts';
import type { Query } from '@nestjs/cqrs';
import type { CallerMessage } from '@maestro/ports';
import { executionIdOf } from '../edge/found.ts';
import { problem } from '../problem/problem-error.ts';
import { GetCommand } from '../queries/catalogue-queries.ts';
import { AdviseWorker } from '../queries/worker-advice.ts';
import { FollowExecution } from '../queries/follow-execution.ts';
import type { CallerAddress } from './caller-address.ts';
import { scopedCommandId, valueOf } from './caller-command.ts';
import type { CallerScope } from './caller-command.ts';

/** The query that a message asks; undefined: its subject asks none. Throws a ProblemError for what does not fit its schema. */
export function questionOf(address: CallerAddress, message: CallerMessage, { settings }: CallerScope): Query<object> | undefined {
  const bytesMax = settings.bodyBytesMax;
  switch (`${address.aggregate}.${address.verb}`) {
    case 'query.command': {
      const { commandId } = fitting(messageValidators['query-command.v1'], valueOf(message, bytesMax));
      return new GetCommand(scopedCommandId(address, settings.tenant, commandId));
    }
    case 'query.execution': {
      const { executionId, after, waitMs }: QueryExecutionV1Message = fitting(messageValidators['query-execution.v1'], valueOf(message, bytesMax));
      return new FollowExecution(executionIdOf(executionId), after, waitMs);
    }
    case 'task.heartbeat': {
      const { executionId, taskId, attempt }: TaskHeartbeatV1Message = fitting(messageValidators['task-heartbeat.v1'], valueOf(message, bytesMax));
      return new AdviseWorker(executionIdOf(executionId), taskId, attempt);
    }
    default:
      return undefined;
  }
}

function fitting<T>(validate: Validate<T>, value: unknown): T {
  if (validate(value)) return value;
  const errors = (validate.errors ?? []).map(({ instancePath, message }) => ({ pointer: instancePath, code: 'FIELD_INVALID', message: message ?? 'invalid' }));
  throw problem('REQUEST_INVALID', 'the message does not fit its schema in contracts/asyncapi.yaml', { errors });
}
