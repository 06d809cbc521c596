import type { ReceiptV1 } from '@maestro/contracts';
import { RECEIPT_PREDICATE_TYPE, STATEMENT_TYPE, statementOf } from './statement.ts';

const digest = (nibble: string): string => nibble.repeat(64);
const digests = { receiptDigest: digest('1'), eventsDigest: digest('2'), manifestDigest: digest('3') };

/** A receipt as far as a statement looks at it. */
function receiptWith(...steps: readonly { id: string; status: string; public: unknown }[]): ReceiptV1 {
  return { steps } as unknown as ReceiptV1;
}

const outputsOf = (receipt: ReceiptV1): [string, string][] =>
  statementOf(receipt, digests)
    .subject.slice(3)
    .map(({ name, digest: { sha256 } }): [string, string] => [name, sha256]);

describe('statementOf', () => {
  it('names events, manifest and receipt first, in this order', () => {
    const receipt = receiptWith();
    expect(statementOf(receipt, digests)).toEqual({
      _type: STATEMENT_TYPE,
      subject: [
        { name: 'events.jsonl', digest: { sha256: digest('2') } },
        { name: 'manifest.json', digest: { sha256: digest('3') } },
        { name: 'receipt.json', digest: { sha256: digest('1') } },
      ],
      predicateType: RECEIPT_PREDICATE_TYPE,
      predicate: receipt,
    });
  });

  it('adds every public digest under task and JSON pointer, whatever order its keys were read in', () => {
    const forth = { b: { 'x/y~z': `sha256:${digest('b')}` }, a: [null, `sha256:${digest('a')}`], 2: `sha256:${digest('c')}` };
    const back = { 2: forth[2], a: forth.a, b: forth.b };
    const expected = [
      ['outputs/t/2', digest('c')],
      ['outputs/t/a/1', digest('a')],
      ['outputs/t/b/x~1y~0z', digest('b')],
    ];
    expect(outputsOf(receiptWith({ id: 't', status: 'ok', public: forth }))).toEqual(expected);
    expect(outputsOf(receiptWith({ id: 't', status: 'ok', public: back }))).toEqual(expected);
  });

  it('takes only whole digests, only of steps that succeeded, only under names that fit', () => {
    const good = `sha256:${digest('d')}`;
    const near = { upper: good.toUpperCase(), longer: `${good}0`, inside: `see ${good}`, count: 1, none: null, yes: true };
    const steps = [
      { id: 'near', status: 'ok', public: near },
      { id: 'failed', status: 'failed', public: { digest: good } },
      { id: 'long', status: 'ok', public: { ['k'.repeat(513)]: good, ['k'.repeat(512 - 'outputs/long/'.length)]: good } },
    ];
    expect(outputsOf(receiptWith(...steps)).map(([name]) => name.length)).toEqual([512]);
  });
});
