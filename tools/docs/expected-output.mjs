// What a document says a command prints, against what it printed. White space at both ends of a line does not count.

/** Lines to be found in order; each a list of fragments between `…`. A line that is only `…` says nothing. */
export function expectation(text) {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '…')
    .map((line) => ({ line, fragments: line.split('…').map((part) => part.trim()).filter((part) => part !== '') }));
}

/** The first expected line that is not printed after those before it; undefined: all are there. */
export function missingLine(expected, printed) {
  const lines = printed.split('\n').map((line) => line.replaceAll(/\s+/g, ' ').trim());
  let at = 0;
  for (const { line, fragments } of expected) {
    while (at < lines.length && !holds(lines[at], fragments)) at += 1;
    if (at === lines.length) return line;
    at += 1;
  }
  return undefined;
}

function holds(line, fragments) {
  let from = 0;
  for (const fragment of fragments) {
    const found = line.indexOf(fragment.replaceAll(/\s+/g, ' '), from);
    if (found < 0) return false;
    from = found + fragment.length;
  }
  return true;
}
