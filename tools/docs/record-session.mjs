// Makes docs/terminal-session.md anew: runs real commands on a real pseudo-terminal (util-linux `script`) in a new folder, and
// writes down what stays on the screen. Only the folder's name is replaced; ids, times and digests are those of that run.
//   ./maestro build && node tools/docs/record-session.mjs            writes the page
//   node tools/docs/record-session.mjs --check                       fails where a command no longer ends as the page says
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { terminalText } from './terminal-text.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const page = join(root, 'docs', 'terminal-session.md');
/** What the page calls the folder that the commands ran in. */
const SHOWN_FOLDER = '~/flows';
const COLUMNS = 120;
/** milliseconds for one command */
const TIMEOUT_MS = 60_000;

const TITLE = `# A terminal session

What a terminal shows after four commands in a new folder, as it was printed; only the folder is written as \`${SHOWN_FOLDER}\`.
While a run goes on its tree of tasks is redrawn in place ten times a second; what is here is the tree that it ends with.
Made by \`node tools/docs/record-session.mjs\` on a real pseudo-terminal of ${COLUMNS} columns, colours taken off.
`;

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'maestro-session-')));
try {
  symlinkSync(join(root, 'maestro'), join(folder, 'maestro'));
  const blocks = [];
  const record = (command) => {
    const { exitCode, text } = onTerminal(command);
    blocks.push(`\`\`\`text\n$ ${command}\n${text}\n\`\`\`\n\nExit code ${exitCode}.\n`);
    return text;
  };
  record('./maestro init');
  record('./maestro plan -m workflow.yaml');
  const ran = record('./maestro run -m workflow.yaml --input who=Ada');
  const [executionId] = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(ran) ?? [];
  if (executionId === undefined) throw new Error(`the run has no id:\n${ran}`);
  record(`./maestro status -e ${executionId}`);
  const text = `${TITLE}\n${blocks.join('\n')}`;
  if (process.argv.includes('--check')) check(text);
  else writeFileSync(page, text);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Runs a command line of a shell on a pseudo-terminal of its own. */
function onTerminal(command) {
  const environment = { PATH: process.env.PATH, HOME: folder, TERM: 'xterm-256color', LANG: 'C.UTF-8' };
  const { stdout, status, error } = spawnSync('script', ['-qec', `stty cols ${COLUMNS} rows 50; ${command}`, '/dev/null'], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error !== undefined) throw error;
  return { exitCode: status, text: terminalText(stdout.replaceAll(folder, SHOWN_FOLDER)) };
}

/** Two runs differ in ids, times and digests; what they say and how they end does not. */
function check(text) {
  const known = readFileSync(page, 'utf8');
  const steady = (page_) => page_.match(/^(\$ \S+ \S+|Exit code .*|VERIFIED|[✓✗] [A-Z]+)/gm)?.join('\n');
  if (steady(text) === steady(known)) process.stdout.write('session: four commands end as docs/terminal-session.md says\n');
  else {
    process.stderr.write(`docs/terminal-session.md differs from what is printed now; make it anew: node tools/docs/record-session.mjs\n`);
    process.exitCode = 1;
  }
}
