import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { abortWith } from './abort-with.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('a signal that follows another one', () => {
  it('is aborted with it, for the same reason', () => {
    const source = new AbortController();
    const { controller } = abortWith(source.signal);
    expect(controller.signal.aborted).toBe(false);
    source.abort('enough');
    expect([controller.signal.aborted, controller.signal.reason]).toEqual([true, 'enough']);
  });

  it('is aborted from the start where the other one is', () => {
    expect(abortWith(AbortSignal.abort('over')).controller.signal.reason).toBe('over');
  });

  it('is not aborted with it once it was released', () => {
    const source = new AbortController();
    const { controller, release } = abortWith(source.signal);
    release();
    source.abort();
    expect(controller.signal.aborted).toBe(false);
  });

  it('goes with its source, and all that listens, though neither was ever aborted', async () => {
    const listening = (): WeakRef<object> => {
      const world = {};
      abortWith(new AbortController().signal).controller.signal.addEventListener('abort', () => void world);
      return new WeakRef(world);
    };
    const world = listening();
    await turn();
    collectGarbage();
    expect(world.deref()).toBeUndefined();
  });
});
