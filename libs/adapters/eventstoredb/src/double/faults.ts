/** What a node shall do wrong, on command. All of it can be undone, and none of it loses what was answered. */
export class Faults {
  /** answer of ServerFeatures: as it should be, never, or an error that the client keeps for ever */
  features: 'answered' | 'hung' | 'failed' = 'answered';
  /** the next so many appends are done and never answered */
  repliesToDrop = 0;
  /** the next so many appends are refused as too large for this server */
  sizeRefusals = 0;
  /** every read and append is refused, as for a user who may not */
  denies = false;
  #hung: PromiseWithResolvers<void> | undefined;

  /** From now on calls are taken and wait. Appends are done once the hang ends, even those whose caller has left. */
  hang(): void {
    this.#hung ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#hung?.resolve();
    this.#hung = undefined;
  }

  /** Undefined: at once, so that the order of calls is kept. */
  hanging(): Promise<void> | undefined {
    return this.#hung?.promise;
  }

  takeReply(): boolean {
    if (this.repliesToDrop === 0) return true;
    this.repliesToDrop -= 1;
    return false;
  }

  takeSizeRefusal(): boolean {
    if (this.sizeRefusals === 0) return false;
    this.sizeRefusals -= 1;
    return true;
  }
}
