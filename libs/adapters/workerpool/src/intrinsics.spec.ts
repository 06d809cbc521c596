import { watchIntrinsics } from './intrinsics.ts';

type Loose = Record<PropertyKey, unknown>;
const loose = globalThis as unknown as Loose;

/** Whether the change is noticed; it is taken back. */
const isNoticed = (of: object, key: PropertyKey, change: () => void): boolean => {
  const isIntact = watchIntrinsics();
  const before = Object.getOwnPropertyDescriptor(of, key);
  change();
  const noticed = !isIntact();
  if (before === undefined) Reflect.deleteProperty(of, key);
  else Reflect.defineProperty(of, key, before);
  expect(isIntact()).toBe(true);
  return noticed;
};

describe('watchIntrinsics', () => {
  it('notices what was replaced, deleted or added to a prototype', () => {
    expect(isNoticed(JSON, 'stringify', () => (JSON.stringify = () => ''))).toBe(true);
    expect(isNoticed(globalThis, 'Map', () => Reflect.deleteProperty(globalThis, 'Map'))).toBe(true);
    expect(isNoticed(globalThis, 'Set', () => (loose['Set'] = Map))).toBe(true);
    expect(isNoticed(Array.prototype, 'map', () => (Array.prototype.map = () => []))).toBe(true);
    expect(isNoticed(Object.prototype, 'polluted', () => ((Object.prototype as Loose)['polluted'] = 1))).toBe(true);
    expect(isNoticed(Promise.prototype, 'then', () => Reflect.deleteProperty(Promise.prototype, 'then'))).toBe(true);
  });

  it('lets a global be added, and a lazy one be used for the first time', () => {
    expect(isNoticed(globalThis, 'added', () => (loose['added'] = 1))).toBe(false);
    const isIntact = watchIntrinsics();
    for (const key of Reflect.ownKeys(globalThis)) void loose[key];
    expect(isIntact()).toBe(true);
  });
});
