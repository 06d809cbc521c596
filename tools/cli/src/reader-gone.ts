type Output = { on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown };

/** Calls `leave` when who reads an output has left (`| head`); any other fault of an output is thrown. */
export function whenReaderIsGone(outputs: readonly Output[], leave: () => void): void {
  for (const output of outputs) {
    output.on('error', (error) => {
      if (error.code !== 'EPIPE') throw error;
      leave();
    });
  }
}
