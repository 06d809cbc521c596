import { canonicalBytes, commit, sha256 } from '@maestro/receipt';
import { decodePlaces, encodePlaces } from './sealed-places.ts';
import { FRAME_OVERHEAD_BYTES, commitmentFrame, frameOf, parsedPlace, unframeValue } from './value-frame.ts';

const SALT = '00112233445566778899aabbccddeeff';
const VALUE = { list: [1, 'é', '\u{1f600}', ']]'], text: 'a "quoted" \\ text' };
const POINTERS = ['/output', '/inputs', '/log', '/error/detail', '/a~1b/"x"'];

function framed(pointer: string, value: Uint8Array): Uint8Array {
  const { before, after, sizeBytes } = frameOf(pointer, SALT, value.length);
  return Buffer.concat([before, value, after, Buffer.alloc(sizeBytes - before.length - value.length - after.length, ' ')]);
}

describe('the plaintext of a blob', () => {
  it.each(POINTERS)('is the places form, for %s, and opens to what was framed', (pointer) => {
    const plaintext = framed(pointer, canonicalBytes(VALUE));
    const place = unframeValue(plaintext);

    expect(decodePlaces(plaintext)).toEqual([[pointer, SALT, VALUE]]);
    expect(place && parsedPlace(place)).toEqual([pointer, SALT, VALUE]);
    expect(unframeValue(encodePlaces([[pointer, SALT, VALUE]]))).toMatchObject({ pointer, salt: SALT });
  });

  it('shows no length: a power of two, at least 256 bytes', () => {
    const sizeOf = (count: number): number => frameOf('/output', SALT, count + 2).sizeBytes;
    expect([0, 10, 205, 206, 5_000].map(sizeOf)).toEqual([256, 256, 256, 512, 8_192]);
  });

  it('adds no more than it says', () => {
    for (const pointer of POINTERS) expect(frameOf(pointer, SALT, 0x1_0000 - FRAME_OVERHEAD_BYTES).sizeBytes).toBe(0x1_0000);
  });

  it.each([
    ['nothing', ''], ['only spaces', '    '], ['no place', '[]'], ['a salt of another length', '[["/output","00",1]]'], ['no end', `[["/output","${SALT}",1]`], ['another start', `{["/output","${SALT}",1]]`],
  ])('is not %s', (_, text) => {
    expect(unframeValue(Buffer.from(text.padEnd(256, ' ')))).toBeUndefined();
    expect(unframeValue(Buffer.from(text))).toBeUndefined();
  });
});

it.each(POINTERS)('what is hashed around a value of %s is what commits to it', (pointer) => {
  const { before, after } = commitmentFrame(SALT, pointer);
  expect(sha256(Buffer.concat([before, canonicalBytes(VALUE), after]))).toBe(commit(SALT, pointer, VALUE));
});
