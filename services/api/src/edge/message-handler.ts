import type { FactoryProvider } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { tokenOf } from '../api-dependencies.ts';
import type { ApiDependencies, DependencyName } from '../api-dependencies.ts';

type Class<T> = abstract new (...parameters: never[]) => T;
type Run<Message, R, K extends DependencyName> = (message: Message, dependencies: Pick<ApiDependencies, K>) => Promise<R>;

/** Provider of the one handler of a query, with the dependencies that it names and no others. */
export function queryHandler<R, Q extends Query<R>, K extends DependencyName>(query: Class<Q>, needs: readonly K[], run: Run<Q, R, K>): FactoryProvider {
  return providerOf(needs, run, (handler) => QueryHandler(query as never)(handler));
}

/** Provider of the one handler of a command, with the dependencies that it names and no others. */
export function commandHandler<R, C extends Command<R>, K extends DependencyName>(command: Class<C>, needs: readonly K[], run: Run<C, R, K>): FactoryProvider {
  return providerOf(needs, run, (handler) => CommandHandler(command as never)(handler));
}

function providerOf<Message, R, K extends DependencyName>(needs: readonly K[], run: Run<Message, R, K>, mark: (handler: never) => void): FactoryProvider {
  class Handler {
    readonly #dependencies: Pick<ApiDependencies, K>;
    constructor(dependencies: Pick<ApiDependencies, K>) {
      this.#dependencies = dependencies;
    }
    execute(message: Message): Promise<R> {
      return run(message, this.#dependencies);
    }
  }
  mark(Handler as never);
  return {
    provide: Handler,
    inject: needs.map(tokenOf),
    useFactory: (...values: readonly unknown[]) => new Handler(Object.fromEntries(needs.map((name, i) => [name, values[i]])) as Pick<ApiDependencies, K>),
  };
}
