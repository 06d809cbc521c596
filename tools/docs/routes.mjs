// docs/routes.md: every route, every answer that the OpenAPI document describes, and the specs that saw it.
//   node tools/docs/routes.mjs            runs the specs of the API and writes the page
//   node tools/docs/routes.mjs --check    fails where the page is another, or an answer was seen by no spec
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const page = join(repository, 'docs/routes.md');

/** Answers that no request to a sound server brings about in a spec, and why they are described all the same. */
const UNSEEN = {
  400: 'only where a request cannot be read at all: the route takes nothing that could be wrong',
  401: 'never: probes are asked for no token',
  403: 'never: probes are asked for no origin',
  421: 'never: probes are asked for no name',
  500: 'never seen: the route touches nothing that could fail',
};

/** operation id → status → specs, as the fixtures of the API note them: one JSON line per answer. */
function seenAnswers() {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-routes-'));
  try {
    const file = join(folder, 'seen.jsonl');
    const jest = join(repository, 'node_modules/jest/bin/jest.js');
    const ran = spawnSync(process.execPath, ['--experimental-vm-modules', '--no-warnings', jest, 'services/api/src', '--silent'], {
      cwd: repository,
      env: { ...process.env, MAESTRO_SEEN_ANSWERS: file },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (ran.status !== 0 || !existsSync(file)) {
      process.stderr.write(ran.stderr);
      throw new Error('the specs of the API fail');
    }
    const seen = new Map();
    for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
      const [id, status, spec] = JSON.parse(line);
      const key = `${id} ${status}`;
      seen.set(key, (seen.get(key) ?? new Set()).add(spec));
    }
    return seen;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function operations() {
  const { paths } = JSON.parse(readFileSync(join(repository, 'contracts/openapi.json'), 'utf8'));
  return Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })));
}

function render(seen) {
  const faults = [];
  let answers = 0;
  const rows = operations().flatMap(({ name, operationId, responses }) =>
    Object.keys(responses).map((status, i) => {
      answers += 1;
      const specs = [...(seen.get(`${operationId} ${status}`) ?? [])].sort();
      if (specs.length === 0 && UNSEEN[status] === undefined) faults.push(`${name} describes ${status}, and no spec sees it`);
      return `| ${i === 0 ? `\`${name}\`` : ''} | ${status} | ${specs.length === 0 ? `– ${UNSEEN[status] ?? ''}` : specs.join(', ')} |`;
    }),
  );
  const text = `# Routes, answers and tests

Made by \`node tools/docs/routes.mjs\` from \`contracts/openapi.json\` and from what the specs of \`services/api\` saw: each answer
of each spec is held against the document (status, media type, schema), and noted here under the name of its spec. CI fails where an
answer is described and never seen, or seen and not described.

${operations().length} operations, ${answers} answers.

| route | answer | specs that saw it |
|---|---|---|
${rows.join('\n')}
`;
  return { text, faults, answers };
}

const { text, faults, answers } = render(seenAnswers());
if (process.argv.includes('--check')) {
  if (!existsSync(page) || readFileSync(page, 'utf8') !== text) faults.push('docs/routes.md is not what the specs saw: run node tools/docs/routes.mjs');
} else {
  writeFileSync(page, text);
}
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exit(1);
process.stdout.write(`${operations().length} operations, ${answers} answers, each seen or said why not\n`);
