import { EXECUTION_ID, hex } from './fixtures/run-under-test.ts';
import { categoryOf, executionStream, idOf, parseExecutionId, parseHash, parseStreamName, receiptStream, streamName } from './ids.ts';
import type { ExecutionId } from './ids.ts';

describe('stream names', () => {
  it('two spellings of one id are one stream', () => {
    expect(streamName('workflow', 'Nightly-Build_2')).toBe('workflow-nightly-build_2');
    expect(streamName('workflow', 'NIGHTLY-BUILD_2')).toBe('workflow-nightly-build_2');
  });
  it.each([['Workflow', 'a'], ['workflow', ''], ['workflow', 'a b'], ['workflow', 'a/b'], ['workflow', 'é'], ['work-flow1', 'a!'], ['workflow', 'x'.repeat(129)]])('%s and %s make none', (category, id) => {
    expect(streamName(category, id)).toBeUndefined();
  });
  it('are read back as category and id; an id may hold dashes', () => {
    const name = parseStreamName('workflow-nightly-build');
    expect(name && [categoryOf(name), idOf(name)]).toEqual(['workflow', 'nightly-build']);
    expect(parseStreamName('workflow-Nightly')).toBeUndefined();
    expect(parseStreamName('workflow-a\n')).toBeUndefined();
  });
  it('of a run and of its receipt carry its id', () => {
    expect(executionStream(EXECUTION_ID as ExecutionId)).toBe(`execution-${EXECUTION_ID}`);
    expect(receiptStream(EXECUTION_ID as ExecutionId)).toBe(`receipt-${EXECUTION_ID}`);
    expect(parseStreamName(receiptStream(EXECUTION_ID as ExecutionId))).toBeDefined();
  });
});

describe('ids and hashes', () => {
  it('are lower-case hex of the right length, or nothing', () => {
    expect(parseExecutionId(EXECUTION_ID)).toBe(EXECUTION_ID);
    expect(parseExecutionId('0192ABCD-0000-7000-8000-000000000001')).toBeUndefined();
    expect(parseExecutionId(`${EXECUTION_ID}0`)).toBeUndefined();
    expect(parseHash(hex('a'))).toBe(hex('a'));
    expect(parseHash(hex('A'))).toBeUndefined();
    expect(parseHash('a'.repeat(63))).toBeUndefined();
  });
});
