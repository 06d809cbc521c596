import { DatabaseSync } from 'node:sqlite';
import { checkSchemaVersion, checkSqliteVersion, prepareEventTables, SCHEMA_VERSION } from './schema.ts';

describe('schema', () => {
  it.each(['3.51.3', '3.51.10', '3.53.4', '4.0.0'])('accepts SQLite %s', (version) => {
    expect(() => checkSqliteVersion(version)).not.toThrow();
  });
  it.each(['3.51.2', '3.50.9', '3.7.17', '2.8.17'])('refuses SQLite %s', (version) => {
    expect(() => checkSqliteVersion(version)).toThrow(/SQLITE_TOO_OLD.*3\.51\.3/);
  });
  it('gives a store one incarnation for life', () => {
    const [db, other] = [new DatabaseSync(':memory:'), new DatabaseSync(':memory:')];
    const incarnation = prepareEventTables(db);
    expect(incarnation).toMatch(/^[0-9a-f-]{36}$/);
    expect(prepareEventTables(db)).toBe(incarnation);
    expect(prepareEventTables(other)).not.toBe(incarnation);
    expect(checkSchemaVersion(db)).toBe('current');
  });
  it('refuses a store of a newer version, and one without its incarnation', () => {
    const db = new DatabaseSync(':memory:');
    prepareEventTables(db);
    db.exec(`UPDATE meta SET value = '${SCHEMA_VERSION + 1}' WHERE key = 'schema_version'`);
    expect(() => prepareEventTables(db)).toThrow(/STORE_NEWER/);
    db.exec(`UPDATE meta SET value = '${SCHEMA_VERSION}' WHERE key = 'schema_version'`);
    db.exec("DELETE FROM meta WHERE key = 'incarnation'");
    expect(() => prepareEventTables(db)).toThrow(/STORE_DAMAGED/);
  });
});
