/** A request body: its value, and the text that it came from, so that problems can be placed. */
export class ParsedBody {
  readonly format: 'json' | 'yaml';
  readonly text: string;
  readonly value: unknown;

  constructor(format: 'json' | 'yaml', text: string, value: unknown) {
    this.format = format;
    this.text = text;
    this.value = value;
  }
}
