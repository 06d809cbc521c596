import { SETTINGS, SETTING_NAMES, flagOf, secretVariableOf, variableOf } from './settings.ts';
import type { Setting } from './setting.ts';

type JsonSchema = { readonly [keyword: string]: unknown };

/** Settings that a file may hold. */
const inFiles = (): readonly string[] => SETTING_NAMES.filter((name) => !('isFlagOnly' in SETTINGS[name]));
const settingOf = (name: string): Setting => SETTINGS[name as keyof typeof SETTINGS];

/** JSON Schema of a configuration file, for editors; the program itself reads the table of settings. */
export function configSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'maestro.yaml, version 1',
    type: 'object',
    additionalProperties: false,
    properties: propertiesOf(inFiles()),
  };
}

/** Settings of one section stand below its name. */
function propertiesOf(names: readonly string[]): JsonSchema {
  const sections = Object.groupBy(names, (name) => name.split('.')[0] as string);
  const entries = Object.entries(sections).map(([section, of = []]) => {
    const [only] = of;
    if (only === section) return [section, schemaOf(settingOf(section))] as const;
    const properties = Object.fromEntries(of.map((name) => [name.slice(section.length + 1), schemaOf(settingOf(name))]));
    return [section, { type: 'object', additionalProperties: false, properties }] as const;
  });
  return Object.fromEntries(entries);
}

function schemaOf(setting: Setting): JsonSchema {
  const { meaning: description, byDefault = null } = setting;
  const documented = { description, default: byDefault };
  switch (setting.kind) {
    case 'integer':
      return { ...documented, type: 'integer', minimum: setting.min, maximum: setting.max };
    case 'switch':
      return { ...documented, type: 'boolean' };
    case 'choice':
      return { ...documented, enum: setting.choices };
    case 'folder':
      return { ...documented, type: 'string', minLength: 1 };
    case 'word':
      return { ...documented, type: byDefault === null ? ['string', 'null'] : 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' };
    case 'origins':
      return { ...documented, type: 'array', items: { type: 'string', format: 'uri' } };
    case 'origin':
      return { ...documented, type: ['string', 'null'], format: 'uri' };
    case 'file':
    case 'secret':
      return { ...documented, type: ['string', 'null'], minLength: 1 };
    case 'names':
      return { ...documented, type: 'array', items: { enum: setting.choices } };
    case 'servers':
      return { ...documented, type: 'array', items: { type: 'string', pattern: '^(nats|tls)://' } };
    case 'words':
    case 'hosts':
      return { ...documented, type: 'array', items: { type: 'string' } };
  }
}

/** The table of docs/configuration.md. */
export function settingsTable(): string {
  const rows = SETTING_NAMES.map((name) => {
    const setting = settingOf(name);
    const key = setting.isFlagOnly === true ? '–' : `\`${name}\``;
    const variable = setting.isFlagOnly === true ? '–' : `\`${variableOf(name)}\`${setting.kind === 'secret' ? `, or the secret in \`${secretVariableOf(name)}\`` : ''}`;
    return `| ${key} | \`--${flagOf(name)}\` | ${variable} | ${valuesOf(setting)} | ${defaultOf(setting)} | ${setting.meaning} |`;
  });
  return ['| file | flag | variable | value | default | meaning |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

function valuesOf(setting: Setting): string {
  switch (setting.kind) {
    case 'integer':
      return `${setting.min} to ${setting.max} ${setting.unit}`;
    case 'choice':
      return setting.choices.map((choice) => `\`${choice}\``).join(', ');
    case 'switch':
      return '`true`, `false`';
    case 'folder':
      return 'folder';
    case 'word':
      return 'word';
    case 'origins':
      return 'origins `https://host:port`';
    case 'origin':
      return 'origin `https://host:port`';
    case 'file':
      return 'file';
    case 'secret':
      return 'file with the secret';
    case 'names':
      return setting.choices.map((choice) => `\`${choice}\``).join(', ');
    case 'words':
      return 'words';
    case 'servers':
      return 'addresses `nats://host:port`';
    case 'hosts':
      return 'names `host:port`';
  }
}

function defaultOf({ byDefault = null }: Setting): string {
  return byDefault === null || (Array.isArray(byDefault) && byDefault.length === 0) ? 'none' : `\`${String(byDefault)}\``;
}
