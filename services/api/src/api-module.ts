import { Module } from '@nestjs/common';
import type { DynamicModule, INestApplicationContext, ValueProvider } from '@nestjs/common';
import { CqrsModule, QueryBus } from '@nestjs/cqrs';
import { tokenOf } from './api-dependencies.ts';
import type { ApiDependencies, DependencyName } from './api-dependencies.ts';
import { cancelExecutionHandler, resumeExecutionHandler } from './commands/end-or-resume.ts';
import { promoteWorkflowHandler, rollBackWorkflowHandler } from './commands/move-channel.ts';
import { publishWorkflowHandler } from './commands/publish-workflow.ts';
import { saveDraftHandler } from './commands/save-draft.ts';
import { startExecutionHandler } from './commands/start-execution.ts';
import { CatalogueController } from './controllers/catalogue-controller.ts';
import { EventsController } from './controllers/events-controller.ts';
import { ExecutionCommandsController } from './controllers/execution-commands-controller.ts';
import { ExecutionStateController } from './controllers/execution-state-controller.ts';
import { ExecutionsController } from './controllers/executions-controller.ts';
import { ListsController } from './controllers/lists-controller.ts';
import { OperationsController } from './controllers/operations-controller.ts';
import { ReceiptDocumentsController } from './controllers/receipt-documents-controller.ts';
import { ReceiptsController } from './controllers/receipts-controller.ts';
import { SchemasController } from './controllers/schemas-controller.ts';
import { TaskLogController } from './controllers/task-log-controller.ts';
import { WorkflowChannelsController } from './controllers/workflow-channels-controller.ts';
import { WorkflowCommandsController } from './controllers/workflow-commands-controller.ts';
import { WorkflowsController } from './controllers/workflows-controller.ts';
import { LiveTails } from './edge/live-tails.ts';
import { adviseWorkerHandler } from './queries/worker-advice.ts';
import { catalogueQueryHandlers } from './queries/catalogue-queries.ts';
import { followExecutionHandler } from './queries/follow-execution.ts';
import { executionQueryHandlers } from './queries/execution-queries.ts';
import { listQueryHandlers } from './queries/list-queries.ts';
import { receiptQueryHandlers } from './queries/receipt-queries.ts';
import { taskLogQueryHandler } from './queries/task-log-query.ts';
import { workflowQueryHandlers } from './queries/workflow-queries.ts';

@Module({})
class ApiModule {}

/**
 * The API role as a Nest module. Controllers send one typed command or query to its one handler; the buses carry
 * nothing else, and nothing durable.
 */
export function apiModule(dependencies: ApiDependencies): DynamicModule {
  const names = Object.keys(dependencies) as DependencyName[];
  const values = names.map((name): ValueProvider => ({ provide: tokenOf(name), useValue: dependencies[name] }));
  return {
    module: ApiModule,
    imports: [CqrsModule.forRoot()],
    controllers: [
      WorkflowCommandsController,
      WorkflowChannelsController,
      WorkflowsController,
      ListsController,
      ExecutionsController,
      ExecutionStateController,
      ExecutionCommandsController,
      EventsController,
      TaskLogController,
      ReceiptsController,
      ReceiptDocumentsController,
      CatalogueController,
      SchemasController,
      OperationsController,
    ],
    providers: [
      ...values,
      LiveTails,
      saveDraftHandler,
      publishWorkflowHandler,
      startExecutionHandler,
      cancelExecutionHandler,
      resumeExecutionHandler,
      promoteWorkflowHandler,
      rollBackWorkflowHandler,
      ...workflowQueryHandlers,
      ...listQueryHandlers,
      ...executionQueryHandlers,
      followExecutionHandler,
      adviseWorkerHandler,
      taskLogQueryHandler,
      ...receiptQueryHandlers,
      ...catalogueQueryHandlers,
    ],
  };
}

/** Where an application that holds the module answers questions; for edges beside REST. */
export function queriesOf(app: Pick<INestApplicationContext, 'get'>): QueryBus {
  return app.get(QueryBus, { strict: false });
}
