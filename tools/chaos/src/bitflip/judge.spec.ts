import type { Answers } from './answers.ts';
import { Questions } from './answers.ts';
import { judge } from './judge.ts';

const FLIP = { path: 'state.db' };
const SOUND: Answers = { 'opens and closes': { value: 'o' }, a: { value: '1' }, b: { value: '2' }, erased: { code: 'KEY_DESTROYED', message: 'KEY_DESTROYED: gone' } };
const refused = (message: string, code: string | null = 'STORE_DAMAGED') => ({ code, message });

describe('the verdict on a flip', () => {
  it.each<[string, Answers, string, string | null]>([
    ['every answer is as before', SOUND, 'same', null],
    ['one is refused and names a revision', { ...SOUND, a: refused('STORE_DAMAGED: revision 3 of stream execution-x: its bytes do not match') }, 'detected', 'a'],
    ['one is refused and names the file', { ...SOUND, a: refused('STORE_DAMAGED: /tmp/x/state.db is damaged') }, 'detected', 'a'],
    ['the folder does not open', { 'opens and closes': refused('STORE_BEHIND_MARK: the head mark is at position 7') }, 'detected', 'opens and closes'],
    ['one is refused and names nothing', { ...SOUND, a: refused('STORE_DAMAGED: something is wrong') }, 'unnamed', 'a'],
    ['one fails without a code', { ...SOUND, b: refused('Unexpected token', null) }, 'uncoded', 'b'],
    ['another answer is given', { ...SOUND, b: { value: '3' } }, 'served', 'b'],
    ['another answer is given beside a refusal', { ...SOUND, a: refused('STORE_DAMAGED: position 3'), b: { value: '3' } }, 'served', 'b'],
    ['what was refused before is answered', { ...SOUND, erased: { value: 'x' } }, 'served', 'erased'],
    ['one is not answered, and nothing was refused', { 'opens and closes': { value: 'o' }, a: { value: '1' }, erased: SOUND['erased'] ?? { value: '' } }, 'served', 'b'],
  ])('is made where %s', (_, found, kind, question) => {
    expect(judge(SOUND, found, FLIP)).toMatchObject({ kind, question });
  });
});

describe('questions', () => {
  it('are all asked, also after one that failed, and tell faults from errors', async () => {
    const questions = new Questions();
    await questions.ask('fault', () => Promise.reject(Object.assign(new Error('KEY_DAMAGED: x'), { name: 'Fault', code: 'KEY_DAMAGED' })));
    await questions.ask('error', () => Promise.reject(Object.assign(new Error('no such table'), { code: 'ERR_SQLITE_ERROR' })));
    expect(await questions.ask('value', () => 7)).toBe(7);
    expect(questions.answers).toEqual({ fault: { code: 'KEY_DAMAGED', message: 'KEY_DAMAGED: x' }, error: { code: null, message: 'no such table' }, value: { value: expect.stringMatching(/^[0-9a-f]{64}$/) } });
  });
  it('tell values apart that JSON cannot: bytes, big numbers, maps', async () => {
    const questions = new Questions();
    const values = [1n, 2n, new Map([['a', 1]]), new Map([['a', 2]]), Uint8Array.of(1), Uint8Array.of(2), undefined];
    for (const [i, value] of values.entries()) await questions.ask(String(i), () => value);
    expect(new Set(Object.values(questions.answers).map((answer) => JSON.stringify(answer))).size).toBe(values.length);
  });
});
