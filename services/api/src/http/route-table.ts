type Route = { readonly method: string; readonly segments: readonly string[] };

/** The routes that exist, to tell a wrong method from a wrong path. */
export class RouteTable {
  readonly #routes: Route[] = [];

  /** `path` as the router has it: `/api/workflows/:id`. */
  add(method: string, path: string): void {
    this.#routes.push({ method, segments: path.split('/') });
  }

  /** Methods that a path answers, sorted; empty: there is no such path. */
  methodsOf(path: string): readonly string[] {
    const segments = path.split('/');
    const methods = this.#routes.filter((route) => matches(route.segments, segments)).map(({ method }) => method);
    return [...new Set(methods)].sort();
  }
}

function matches(route: readonly string[], path: readonly string[]): boolean {
  return route.length === path.length && route.every((segment, i) => segment === path[i] || (segment.startsWith(':') && path[i] !== ''));
}
