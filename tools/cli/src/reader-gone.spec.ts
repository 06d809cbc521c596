import { EventEmitter } from 'node:events';
import { whenReaderIsGone } from './reader-gone.ts';

describe('an output whose reader may leave', () => {
  it('asks to leave when the reader has, and passes on any other fault', () => {
    const output = new EventEmitter();
    let left = 0;
    whenReaderIsGone([output], () => (left += 1));
    output.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(left).toBe(1);
    expect(() => output.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toThrow('no space');
    expect(left).toBe(1);
  });
});
