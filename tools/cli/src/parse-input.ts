/** `name=text` → text; `name:=json` → the value. A text answer says what is wrong. */
export function parseInput(given: string): readonly [name: string, value: unknown] | string {
  const [, name = '', sign, rest = ''] = /^([^=:]*)(:?=)(.*)$/s.exec(given) ?? [];
  if (sign === undefined || name === '') return 'expected name=text or name:=json';
  if (sign === '=') return [name, rest];
  try {
    return [name, JSON.parse(rest)];
  } catch {
    return `what follows ${name}:= is not JSON; for a text write ${name}=…`;
  }
}
