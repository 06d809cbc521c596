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
  it('refuses a store whose incarnation or version was changed, and seals one that an earlier release left', () => {
    const db = new DatabaseSync(':memory:');
    const incarnation = prepareEventTables(db);
    db.exec("UPDATE meta SET value = replace(value, '-', '+') WHERE key = 'incarnation'");
    expect(() => prepareEventTables(db)).toThrow(/STORE_DAMAGED: .*incarnation .* does not match/);
    db.exec(`UPDATE meta SET value = '${incarnation}' WHERE key = 'incarnation'; UPDATE meta SET value = '0' WHERE key = 'schema_version'`);
    expect(() => prepareEventTables(db)).toThrow(/STORE_DAMAGED/);
    db.exec(`UPDATE meta SET value = '${SCHEMA_VERSION}' WHERE key = 'schema_version'; DELETE FROM meta WHERE key = 'digest'`);
    expect(prepareEventTables(db)).toBe(incarnation);
    expect(db.prepare("SELECT value FROM meta WHERE key = 'digest'").get()?.['value']).toMatch(/^[0-9a-f]{64}$/);
  });
  it('creates nothing in a file that has pages and no event store', () => {
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE other (a TEXT)');
    expect(() => prepareEventTables(db)).toThrow(/STORE_DAMAGED: .* has 2 pages and no tables/);
  });
});
