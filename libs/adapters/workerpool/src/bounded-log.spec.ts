import { BoundedLog, LOG_MAX_BYTES } from './bounded-log.ts';

describe('BoundedLog', () => {
  it('keeps text in order', () => {
    const log = new BoundedLog();
    for (const text of ['a', '', 'b\n']) log.add(text);
    expect(String(log)).toBe('ab\n');
  });

  it('cuts at 1 MiB, its one mark included, and takes nothing after', () => {
    const log = new BoundedLog();
    log.add('x'.repeat(LOG_MAX_BYTES - 100));
    log.add('y'.repeat(1000));
    log.add('late');
    expect(Buffer.byteLength(String(log))).toBe(LOG_MAX_BYTES);
    expect(String(log)).toMatch(/xy+\n\[log cut at 1 MiB\]\n$/);
  });

  it('never cuts a character in two', () => {
    const log = new BoundedLog();
    log.add('x');
    log.add('€'.repeat(LOG_MAX_BYTES));
    expect(String(log)).toMatch(/€\n\[log cut/);
    expect(String(log)).not.toContain('\ufffd');
    expect(Buffer.byteLength(String(log))).toBeLessThanOrEqual(LOG_MAX_BYTES);
  });

  it('keeps a text that just fits', () => {
    const log = new BoundedLog();
    const room = LOG_MAX_BYTES - Buffer.byteLength('\n[log cut at 1 MiB]\n');
    log.add('x'.repeat(room));
    expect(String(log)).toHaveLength(room);
    log.add('y');
    expect(Buffer.byteLength(String(log))).toBe(LOG_MAX_BYTES);
  });
});
