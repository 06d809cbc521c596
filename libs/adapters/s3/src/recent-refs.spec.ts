import { RecentRefs } from './recent-refs.ts';

const refOf = (name: string): { readonly digest: string; readonly location: string } => ({ digest: name, location: name });

describe('refs that were put last', () => {
  it('are remembered up to a number, the oldest forgotten first', () => {
    const refs = new RecentRefs(2);
    for (const name of ['a', 'b', 'c']) refs.set(name, refOf(name));
    expect(['a', 'b', 'c'].map((name) => refs.get(name))).toEqual([undefined, refOf('b'), refOf('c')]);
  });
});
