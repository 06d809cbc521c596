import { painter } from '../screen.ts';
import { placeOf, renderDenial } from './denial.ts';

const decisions = [
  { pack: 'pii', allow: false, violations: ['PII_KEY'], obligations: [] },
  { pack: 'residency', allow: true, violations: [], obligations: ['REGION_UNSTATED'] },
];
const preview = {
  stage: 'publish',
  pack: 'pii',
  allow: false,
  violations: [{ code: 'PII_KEY', path: ['tasks', 0, 'with', 'ssn'], params: { pattern: 'ssn' } }],
  obligations: [],
};

describe('why policy denied', () => {
  it('names pack, code, place and parameters, and no pack that allowed', () => {
    expect(renderDenial('publish', decisions, [preview], painter(false))).toBe(
      '  pii  PII_KEY  at /tasks/0/with/ssn of the manifest (pattern ssn)',
    );
  });

  it('still names pack and code where no place is known, or only that of another stage', () => {
    expect(renderDenial('start', decisions, [preview], painter(false))).toBe('  pii  PII_KEY');
    expect(renderDenial('publish', decisions, [], painter(false))).toBe('  pii  PII_KEY');
  });

  it.each([
    [['workflow', 'region'], '/region of the manifest'],
    [['workflow', 'id'], '/name of the manifest'],
    [['workflow', 'labels', 'a/b'], '/labels/a~1b of the manifest'],
    [['request', 'region'], 'the requested region (--region)'],
    [['inputs', 'user', 'ssn'], 'the inputs of the run: /user/ssn'],
    [['tasks', 2, 'with'], '/tasks/2/with of the manifest'],
  ])('%j is %s', (path, text) => expect(placeOf(path)).toBe(text));

  it('shows no control characters of keys', () => expect(placeOf(['inputs', 'a\u001b[1m'])).not.toContain('\u001b'));
});
