import { parseStreamName, type StreamName } from '@maestro/domain';

/** How streams of this program are called in a server that others may use, too: `<namespace>.<stream>`. */
export class Namespace {
  readonly prefix: string;

  constructor(name: string) {
    if (!/^[a-z][a-z0-9]{0,31}$/.test(name)) throw new Error(`a namespace is [a-z][a-z0-9]{0,31}, got "${name}"`);
    this.prefix = `${name}.`;
  }

  nameOf(stream: string): string {
    return `${this.prefix}${stream}`;
  }

  /** Undefined: no stream of this program in this namespace. */
  streamOf(name: string): StreamName | undefined {
    return name.startsWith(this.prefix) ? parseStreamName(name.slice(this.prefix.length)) : undefined;
  }
}
