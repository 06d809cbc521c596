import { parseS3Settings } from './settings.ts';
import type { S3SettingsInput } from './settings.ts';

const needed = { region: 'eu-central-1', bucket: 'evidence' };
const problemsOf = (input: unknown): readonly string[] => {
  const parsed = parseS3Settings(input as S3SettingsInput);
  return 'problems' in parsed ? parsed.problems : [];
};

describe('settings of S3', () => {
  it('need a region and a bucket; the rest has defaults', () => {
    const parsed = parseS3Settings(needed);
    expect(parsed).toMatchObject({ settings: { ...needed, endpoint: null, credentials: null, prefix: '', retentionDays: 3_650, attemptsMax: 3 } });
    expect('settings' in parsed && Object.isFrozen(parsed.settings)).toBe(true);
    expect(problemsOf({}).map((problem) => problem.split(':')[0])).toEqual(['region', 'bucket']);
  });

  it.each([
    ['endpoint', ['http://127.0.0.1:7070', 'https://s3.example.com', 'https://s3.example.com/'], ['s3.example.com', 'ftp://x', 'http://u:p@x', 'http://x/path', 'http://x?y', 7]],
    ['bucket', ['abc', 'a.b-c'], ['ab', 'Upper', '-abc', 'x'.repeat(64)]],
    ['prefix', ['', 'mc/', 'a/b.c/'], ['mc', '/mc/', 'mc//', '../', 'Mc/', `${'x'.repeat(200)}/`]],
    ['retentionDays', [1, 36_500], [0, 36_501, 1.5, '30', Number.NaN]],
    ['forcePathStyle', [true, false], ['yes', 1]],
    ['requestsMax', [1, 256], [0, 257]],
    ['credentials', [null, { accessKeyId: 'a', secretAccessKey: 'b' }], [{ accessKeyId: 'a' }, { accessKeyId: '', secretAccessKey: 'b' }, { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: '' }]],
  ])('say what is wrong with %s', (name, sound, wrong) => {
    for (const value of sound) expect(problemsOf({ ...needed, [name]: value })).toEqual([]);
    for (const value of wrong) expect(problemsOf({ ...needed, [name]: value })).toEqual([expect.stringMatching(`^${name}: `)]);
  });

  it('name everything that is wrong at once, and nothing that is secret', () => {
    const problems = problemsOf({ region: '', bucket: 'x', retention: 3, callTimeoutMs: 0, credentials: { accessKeyId: 'AKIA', secretAccessKey: 7 } });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['region', 'bucket', 'credentials', 'callTimeoutMs', 'retention']);
    expect(problems.join()).not.toMatch(/AKIA/);
  });
});
