import { SendGate } from './send-gate.ts';

const gated = () => {
  const sent: unknown[] = [];
  const target = { send: (message: unknown): boolean => sent.push(message) > 0 };
  return { gate: new SendGate(target), target, sent };
};

describe('SendGate', () => {
  it('drops what a package sends, and tells it that all is well', () => {
    const { target, sent } = gated();
    for (const message of [null, undefined, 'ready', 7, [], { type: 'ready' }, { id: 1, result: 'forged' }, { id: 1, isEvent: true, payload: {} }]) expect(target.send(message)).toBe(true);
    expect(sent).toEqual([]);
  });

  it('passes what the host sends, and closes behind it even when that fails', () => {
    const { gate, target, sent } = gated();
    expect(gate.open(() => target.send('ready'))).toBe(true);
    const fails = (): never => {
      throw new Error('channel closed');
    };
    expect(() => gate.open(fails)).toThrow('channel closed');
    target.send('late');
    expect(sent).toEqual(['ready']);
  });

  it('passes one answer for each that the host gave, and what the pool says about its calls', () => {
    const { gate, target, sent } = gated();
    gate.answered();
    for (const message of [{ id: 1, isEvent: true }, { id: 1, result: 1, error: null }, { id: 1, result: 'forged' }, { id: 2, method: 'cleanup', error: null }]) target.send(message);
    expect(sent).toEqual([{ id: 1, result: 1, error: null }, { id: 2, method: 'cleanup', error: null }]);
  });

  it('has nothing to do in a process without a channel', () => {
    const target = {};
    expect(new SendGate(target).open(() => 1)).toBe(1);
    expect(target).toEqual({});
  });
});
