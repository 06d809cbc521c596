import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ENGINES, ENGINES_OF, ROLES, enginesOf } from './role-table.ts';

const page = readFileSync(fileURLToPath(new URL('../../../../docs/operations.md', import.meta.url)), 'utf8');

describe('the table of roles', () => {
  it('gives policy and runner nothing but NATS, and signing keys to the receipt role alone', () => {
    expect([ENGINES_OF.policy, ENGINES_OF.runner]).toEqual([['nats'], ['nats']]);
    expect(ROLES.filter((role) => ENGINES_OF[role].includes('signing-key'))).toEqual(['receipt']);
    expect(ROLES.filter((role) => ENGINES_OF[role].includes('vault'))).toEqual(['api', 'command']);
  });

  it('is opened as the union of a process\'s roles', () => {
    expect([...enginesOf(['runner', 'projector'])]).toEqual(['nats', 'store', 'postgres']);
    expect([...enginesOf(ROLES)]).toEqual([...ENGINES]);
  });

  it('stands in docs/operations.md', () => {
    for (const role of ROLES) expect(page).toContain(`| \`${role}\` | ${ENGINES_OF[role].join(', ')} |`);
  });
});
