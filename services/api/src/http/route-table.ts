type Route = { readonly method: string; readonly segments: readonly string[] };

/** The routes that exist, to tell a wrong method from a wrong path. */
export class RouteTable {
  readonly #routes: Route[] = [];

  /** `path` as the router has it: `/api/workflows/:id`. */
  add(method: string, path: string): void {
    this.#routes.push({ method, segments: path.split('/') });
  }

  /**
   * Methods that a path answers, sorted; empty: there is no such path. A path that is named word by word is that resource, and
   * not also the one whose id might read like it: `/receipts/verify` is no receipt.
   */
  methodsOf(path: string): readonly string[] {
    const segments = path.split('/');
    const found = this.#routes.filter((route) => matches(route.segments, segments));
    const named = Math.max(...found.map(wordCount));
    return [...new Set(found.filter((route) => wordCount(route) === named).map(({ method }) => method))].sort();
  }
}

function wordCount({ segments }: Route): number {
  return segments.filter((segment) => !segment.startsWith(':')).length;
}

function matches(route: readonly string[], path: readonly string[]): boolean {
  return route.length === path.length && route.every((segment, i) => segment === path[i] || (segment.startsWith(':') && path[i] !== ''));
}
