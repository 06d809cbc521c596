// What is used of the runtime's WebAssembly; its declarations come only with the browser library, which is not loaded.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
    /** keeps other objects from passing as a module */
    private readonly compiled: never;
  }
  class Memory {
    readonly buffer: ArrayBuffer;
  }
}
