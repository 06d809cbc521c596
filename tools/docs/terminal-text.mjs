// What stays on a terminal after a program has written to it: text, line ends, and the few control sequences that the
// command line uses (cursor up, erase line, erase below, colours). Lines are as long as they were written: nothing wraps.

const TOKENS = /\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\s\S]/gu;

/** Bytes that a terminal got, as text → the lines that a person sees in the end. */
export function terminalText(written) {
  const lines = [''];
  let row = 0;
  let column = 0;
  const lineAt = (index) => {
    while (lines.length <= index) lines.push('');
    return lines[index];
  };
  for (const token of written.match(TOKENS) ?? []) {
    const [, amount, kind] = /^\x1b\[([0-9;?]*)([A-Za-z])$/.exec(token) ?? [];
    if (token === '\n') {
      row += 1;
      lineAt(row);
    } else if (token === '\r') column = 0;
    else if (kind === 'A') row = Math.max(0, row - Number(amount || 1));
    else if (kind === 'K') lines[row] = lineAt(row).slice(0, column);
    else if (kind === 'J') lines.splice(row, lines.length, lineAt(row).slice(0, column));
    else if (!token.startsWith('\x1b')) {
      const line = lineAt(row).padEnd(column);
      lines[row] = line.slice(0, column) + token + line.slice(column + 1);
      column += 1;
    }
  }
  return lines.map((line) => line.trimEnd()).join('\n').trim();
}
