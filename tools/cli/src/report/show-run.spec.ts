import { FakeTerminal } from '../../fixtures/fake-terminal.ts';
import { goldenRun } from '../../fixtures/fake-conductor.ts';
import { openScreen } from '../screen.ts';
import type { ProgressEvent } from './progress.ts';
import { showLines, showTree } from './show-run.ts';

const events = goldenRun('OK-fan-out').events.map((text) => JSON.parse(text) as ProgressEvent);
const COLORLESS = { isOutColored: false, isNoteColored: false };

/** Lets a test do something between two events. */
async function* each(between: (index: number) => void): AsyncGenerator<ProgressEvent> {
  for (const [i, event] of events.entries()) {
    yield event;
    between(i);
  }
}

describe('a run that is followed', () => {
  it('is a tree that ticks and ends where it stood, with notes above', async () => {
    const terminal = new FakeTerminal(80, 24);
    const screen = openScreen({ write: () => undefined }, terminal, { ...COLORLESS, terminal });
    let redraw = (): void => undefined;
    let isTicking = true;
    const following = each((i) => {
      redraw();
      if (i === 2) screen.note('looked for the conductor again');
      if (i === 4) terminal.resize(60);
    });
    await showTree(following, terminal, screen, (tick) => {
      redraw = tick;
      return () => (isTicking = false);
    });
    screen.note('after');
    const shown = terminal.shown();
    expect(shown[0]).toBe('looked for the conductor again');
    expect(shown[1]).toMatch(/✓ succeeded {2}.*\[(\d+)\/\1\]$/);
    expect(shown.at(-1)).toBe('after');
    expect(shown.filter((line) => line.includes('✓')).length).toBe(shown.length - 2);
    expect([isTicking, terminal.isListening]).toEqual([false, false]);
  });

  it('leaves the tree as it was where it is interrupted', async () => {
    const terminal = new FakeTerminal(80, 24);
    const screen = openScreen({ write: () => undefined }, terminal, { ...COLORLESS, terminal });
    async function* cut(): AsyncGenerator<ProgressEvent> {
      yield events[0] as ProgressEvent;
      throw new Error('interrupted');
    }
    await expect(showTree(cut(), terminal, screen, () => () => undefined)).rejects.toThrow('interrupted');
    screen.note('after');
    expect(terminal.shown()[0]).toContain('waits for policy');
    expect(terminal.shown().at(-1)).toBe('after');
  });

  it('is a line for each piece of news elsewhere', async () => {
    let notes = '';
    const screen = openScreen({ write: () => undefined }, { write: (text: string) => (notes += text) }, COLORLESS);
    await showLines(each(() => undefined), screen);
    expect(notes).toMatch(/run +✓ succeeded\n$/);
    expect(notes).not.toContain('\x1b');
  });
});
