/** A request body that is a tar archive, not read yet. */
export class ArchiveBody {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
