import { jest } from '@jest/globals';
import { ChildAttempt } from './child-attempt.ts';
import { RssWatchdog } from './rss-watchdog.ts';

// A process id that no process has: what is sent to it arrives nowhere.
const NOBODY = 2 ** 30;
const limits = { startMaxMs: 60_000, timeoutMs: 60_000, graceMs: 60_000, rssMaxBytes: 1000 };
const answer = { kind: 'output', text: '{}' } as const;

const attemptOf = (signal = new AbortController().signal) => {
  const attempt = new ChildAttempt(limits, new RssWatchdog(), signal);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const call = { then: promise.then.bind(promise), cancel: () => undefined } as Parameters<ChildAttempt['end']>[0];
  return { attempt, ended: attempt.end(call), resolve, reject };
};

describe('ChildAttempt', () => {
  it('whose child does not come up in time has its call cancelled, which ends the child', async () => {
    const attempt = new ChildAttempt({ ...limits, startMaxMs: 1 }, new RssWatchdog(), new AbortController().signal);
    const { promise, reject } = Promise.withResolvers<unknown>();
    const cancel = (): void => reject(new Error('promise cancelled'));
    expect(await attempt.end({ then: promise.then.bind(promise), cancel } as Parameters<ChildAttempt['end']>[0])).toBeNull();
  });

  it('that never started is told apart, so that it can be made again', async () => {
    const { ended, reject } = attemptOf();
    reject(new Error('Worker is terminated'));
    expect(await ended).toBeNull();
  });

  it('that never started and was cancelled is cancelled', async () => {
    const controller = new AbortController();
    const { ended, reject } = attemptOf(controller.signal);
    controller.abort();
    reject(new Error('Worker is terminated'));
    expect(await ended).toEqual({ ending: { kind: 'cancelled' }, log: '' });
  });

  it('that is cancelled while its child comes up does not go on when it starts', async () => {
    const controller = new AbortController();
    const { attempt, ended, resolve } = attemptOf(controller.signal);
    controller.abort();
    attempt.onEvent({ kind: 'started', pid: NOBODY });
    resolve(answer);
    expect(await ended).toMatchObject({ ending: { kind: 'cancelled' } });
  });

  it('that used too much memory, by its own word, fails with PACKAGE_MEMORY whatever it answers then', async () => {
    const { attempt, ended, resolve } = attemptOf();
    attempt.onEvent({ kind: 'started', pid: NOBODY });
    attempt.onEvent({ kind: 'memory', rssBytes: 1000 });
    attempt.onEvent({ kind: 'memory', rssBytes: 1001 });
    resolve(answer);
    expect(await ended).toMatchObject({ ending: { answer: { failure: { code: 'PACKAGE_MEMORY', retryable: false } } } });
  });

  it('keeps the last answer of a child that then dies', async () => {
    const { attempt, ended, reject } = attemptOf();
    attempt.onEvent({ kind: 'started', pid: NOBODY });
    attempt.onEvent({ kind: 'log', text: 'log' });
    attempt.onEvent({ kind: 'last-answer', answer });
    reject(new Error('exitCode: `null`'));
    expect(await ended).toEqual({ ending: { kind: 'answered', answer }, log: 'log' });
  });

  it.each([
    ['exitCode: `7`\n signalCode: `null`', 'exit code 7'],
    ['exitCode: `null`\n signalCode: `SIGSEGV`', 'signal SIGSEGV'],
    ['something else at /home/somebody', 'exit code unknown'],
  ])('that ends by %j tells how, and no more', async (message, how) => {
    const { attempt, ended, reject } = attemptOf();
    attempt.onEvent({ kind: 'started', pid: NOBODY });
    attempt.onEvent({ stdout: 'raw' });
    reject(new Error(message));
    const failure = {
      code: 'PACKAGE_CRASHED',
      message: `the process of the package ended before its answer (${how})`,
      retryable: true,
    };
    expect(await ended).toEqual({ ending: { kind: 'answered', answer: { kind: 'failure', failure } }, log: '' });
  });

  it.each([null, 'text', 7, { kind: 'forged' }, { kind: 'log', text: 5 }, { kind: 'output-part' }, { kind: 'memory' }, { kind: 'started', pid: 'one' }, { stderr: 1 }])(
    'whose child sends %j, which its host never does, fails with PACKAGE_CRASHED',
    async (event) => {
      const { attempt, ended, reject } = attemptOf();
      attempt.onEvent({ kind: 'started', pid: NOBODY });
      attempt.onEvent(event);
      reject(new Error('exitCode: `null`'));
      expect(await ended).toMatchObject({ ending: { answer: { failure: { code: 'PACKAGE_CRASHED', message: expect.stringContaining('never sends'), retryable: true } } } });
    },
  );

  it.each([undefined, null, 'forged', {}, { kind: 'output' }, { kind: 'output', text: 'no JSON' }, { kind: 'failure' }, { kind: 'failure', failure: { code: 'no code', message: '', retryable: true } }, { kind: 'output-parts' }])(
    'that is answered with %j, which is no answer, fails with PACKAGE_CRASHED, as the last answer too',
    async (value) => {
      for (const last of [true, false]) {
        const { attempt, ended, resolve } = attemptOf();
        attempt.onEvent({ kind: 'started', pid: NOBODY });
        if (last) attempt.onEvent({ kind: 'last-answer', answer: value });
        resolve(last ? answer : value);
        expect(await ended).toMatchObject({ ending: { answer: { failure: { code: 'PACKAGE_CRASHED', message: expect.stringContaining('never sends') } } } });
      }
    },
  );

  it('kills the process that its host named first, whatever is named later', async () => {
    const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
    try {
      const { attempt, ended, resolve } = attemptOf();
      attempt.onEvent({ kind: 'started', pid: NOBODY });
      attempt.onEvent({ kind: 'started', pid: process.pid });
      attempt.kill();
      resolve(answer);
      await ended;
      expect(kill.mock.calls).toEqual([[NOBODY, 'SIGKILL']]);
    } finally {
      kill.mockRestore();
    }
  });

  it('puts the parts of a large output together, and says so where some are missing', async () => {
    for (const [sizeBytes, expected] of [
      [4, { kind: 'large-output', bytes: Buffer.from('["é"]').subarray(0, 4) }],
      [5, { kind: 'failure', failure: { code: 'PACKAGE_CRASHED', retryable: true } }],
    ] as const) {
      const { attempt, ended, resolve } = attemptOf();
      attempt.onEvent({ kind: 'started', pid: NOBODY });
      attempt.onEvent({ kind: 'output-part', text: '["' });
      attempt.onEvent({ kind: 'output-part', text: 'é' });
      resolve({ kind: 'output-parts', sizeBytes });
      expect(await ended).toMatchObject({ ending: { kind: 'answered', answer: expected } });
    }
  });

  it('whose parts are over the limit together fails, and keeps none of them', async () => {
    const { attempt, ended, resolve } = attemptOf();
    attempt.onEvent({ kind: 'started', pid: NOBODY });
    const text = 'x'.repeat(32 * 1024 * 1024);
    for (let i = 0; i < 3; i += 1) attempt.onEvent({ kind: 'output-part', text });
    resolve({ kind: 'output-parts', sizeBytes: 3 * text.length });
    expect(await ended).toMatchObject({ ending: { answer: { failure: { code: 'OUTPUT_TOO_LARGE', retryable: false } } } });
  });
});
