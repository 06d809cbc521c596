/** A terminal that text can be redrawn on. */
export type Terminal = {
  /** characters per line */
  columns(): number;
  /** lines that are seen at once */
  rows(): number;
  write(text: string): void;
  /** Tells of every change of size, until the answer is called. */
  onResize(tell: () => void): () => void;
};

/** What of a TTY stream of Node is needed; without a size it counts as 80 by 24. */
type TtyStream = {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: 'resize', tell: () => void): unknown;
  off(event: 'resize', tell: () => void): unknown;
};

export function terminalOf(stream: TtyStream): Terminal {
  return {
    columns: () => stream.columns || 80,
    rows: () => stream.rows || 24,
    write: (text) => void stream.write(text),
    onResize(tell) {
      stream.on('resize', tell);
      return () => void stream.off('resize', tell);
    },
  };
}
