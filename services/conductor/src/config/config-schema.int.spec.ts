import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configSchema, settingsTable } from './config-schema.ts';
import { SETTINGS } from './settings.ts';

const place = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const SCHEMA = place('services/conductor/config.v1.json');
const PAGE = place('docs/configuration.md');
const TABLE = /\| file \| flag \|[\s\S]*?\n(?=\n)/;

// UPDATE_CONFIG_DOCS=1 writes both anew.
const isUpdate = process.env['UPDATE_CONFIG_DOCS'] === '1';

describe('the documents of the configuration', () => {
  it('config.v1.json is the schema that the settings make', () => {
    const made = `${JSON.stringify(configSchema(), null, 2)}\n`;
    if (isUpdate) writeFileSync(SCHEMA, made);
    expect(readFileSync(SCHEMA, 'utf8')).toBe(made);
  });
  it('docs/configuration.md has the table that the settings make', () => {
    if (isUpdate) writeFileSync(PAGE, readFileSync(PAGE, 'utf8').replace(TABLE, () => `${settingsTable()}\n`));
    expect(TABLE.exec(readFileSync(PAGE, 'utf8'))?.[0]).toBe(`${settingsTable()}\n`);
  });
  it('every number has a unit, and a default within its bounds', () => {
    const integers = Object.values(SETTINGS).filter((setting) => setting.kind === 'integer');
    expect(integers.length).toBeGreaterThan(0);
    expect(integers.filter(({ unit, min, byDefault, max }) => unit.length === 0 || byDefault < min || byDefault > max)).toEqual([]);
  });
});
