// Reads what the checks need of a Markdown text: tables, links, headings, fenced blocks. No renderer: the documents keep to plain forms.

/** Fenced blocks as {info, text, line}; line of the opening fence, from 1. */
export function fencedBlocks(text) {
  const blocks = [];
  let open;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*(`{3,})(.*)$/.exec(line);
    if (open === undefined) {
      if (fence) open = { mark: fence[1], info: fence[2].trim(), line: index + 1, lines: [] };
    } else if (fence && fence[2].trim() === '' && fence[1].length >= open.mark.length) {
      blocks.push({ info: open.info, text: open.lines.join('\n'), line: open.line });
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}

/** The text with fenced blocks blanked, so that line numbers stay. */
export function withoutFences(text) {
  let mark;
  return text
    .split('\n')
    .map((line) => {
      const fence = /^\s*(`{3,})(.*)$/.exec(line);
      if (mark === undefined && fence) mark = fence[1];
      else if (mark !== undefined && fence && fence[2].trim() === '' && fence[1].length >= mark.length) mark = undefined;
      else if (mark === undefined) return line;
      return '';
    })
    .join('\n');
}

/** Rows of all tables as {cells, heading, line}: cells without their outer blanks, `heading` the nearest one above. */
export function tableRows(text) {
  const rows = [];
  let heading = '';
  for (const [index, line] of withoutFences(text).split('\n').entries()) {
    heading = /^#{1,6} (.+)$/.exec(line)?.[1] ?? heading;
    if (!line.startsWith('|') || /^\|[\s:|-]+\|$/.test(line)) continue;
    const cells = line.replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim());
    rows.push({ cells, heading, line: index + 1 });
  }
  return rows;
}

/** The text of a cell that is nothing but one code span. */
export function codeOf(cell) {
  return /^`([^`]+)`$/.exec(cell ?? '')?.[1];
}

/** Targets of inline links and images as {target, line}; code spans hold none. */
export function links(text) {
  return withoutFences(text)
    .split('\n')
    .flatMap((line, index) => {
      const plain = line.replace(/`[^`]*`/g, '');
      return [...plain.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].map((match) => ({ target: match[1], line: index + 1 }));
    });
}

/** Anchors of all headings, as GitHub makes them. */
export function anchors(text) {
  const seen = new Map();
  return withoutFences(text)
    .split('\n')
    .flatMap((line) => {
      const heading = /^#{1,6} (.+)$/.exec(line)?.[1];
      if (heading === undefined) return [];
      const slug = heading.toLowerCase().replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return [count === 0 ? slug : `${slug}-${count}`];
    });
}
