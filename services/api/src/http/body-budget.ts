/**
 * How much structure one body may hold. Bytes alone bound no time: 1 MiB of short distinct keys costs ten times what
 * 1 MiB of one string costs. With these bounds the dearest body that is accepted keeps the event loop for well under
 * 100 ms (docs/performance.md has the figures).
 */
export const JSON_MEMBERS_MAX = 32_768;
/** Objects and arrays of one JSON body. */
export const JSON_CONTAINERS_MAX = 65_536;
/** Lines, and separators of its flow style, of one YAML body: each may begin a node. */
export const YAML_PARTS_MAX = 16_384;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether a text holds more than one body may, as JSON; linear, allocates nothing, stops at the bound. Need not be JSON. */
export function isJsonTooComplex(text: string): boolean {
  let members = 0;
  let containers = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case 0x3a: // a colon
        if (++members > JSON_MEMBERS_MAX) return true;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++containers > JSON_CONTAINERS_MAX) return true;
        break;
    }
  }
  return false;
}

/** Whether a text holds more than one body may, as YAML. Counts inside strings too: it cannot know where one begins. */
export function isYamlTooComplex(text: string): boolean {
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x0a: // line feed
      case 0x0d: // carriage return: alone, it ends a line as well
      case 0x2c: // comma
      case 0x5b: // [
      case 0x7b: // {
        if (++parts > YAML_PARTS_MAX) return true;
        break;
    }
  }
  return false;
}

/** Index of the closing quote, or of the end: the next quote behind an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at;
  }
  return text.length;
}
