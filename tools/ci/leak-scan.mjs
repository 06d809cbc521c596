// Looks through all tracked files and all commit messages for what must not be published: paths of one machine, addresses of
// private registries, private keys outside of fixtures, and texts that look like tokens.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const capture = (command, args) => execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 });

/** Names of hosts that this machine fetches packages from, other than the public ones that documentation may name. */
function configuredHosts() {
  const settings = [process.env.GOPROXY, process.env.PIP_INDEX_URL, process.env.npm_config_registry];
  for (const [command, ...args] of [['npm', 'config', 'get', 'registry'], ['go', 'env', 'GOPROXY']]) {
    try {
      settings.push(capture(command, args));
    } catch {
      // a machine without that client has no such registry
    }
  }
  const hosts = settings.flatMap((each) => [...(each ?? '').matchAll(/https?:[/]{2}(?:[^@/\s]*@)?([^/:\s,]+)/g)].map((match) => match[1]));
  return [...new Set(hosts)].filter((host) => host !== 'proxy.golang.org' && host !== 'pypi.org');
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const keyBlock = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;

/** What must not appear. Written with classes such as [/] so that this file does not find itself. */
const patterns = [
  { name: 'path of one machine', pattern: /(?<![\w.$}{~-])[/](?:work|root|home[/][a-z_][\w-]*|Users[/][A-Za-z]\w*)[/][\w.]/ },
  { name: 'registry address', pattern: new RegExp(['registry[.]npmjs[.]org', 'art[i]factory', ...configuredHosts().map(escape)].join('|'), 'i') },
  { name: 'private key', pattern: keyBlock, notIn: /(?:^|\/)(?:fixtures|golden)\// },
  { name: 'token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{18,}|npm_[A-Za-z0-9]{30,}|xox[abprs]-[\w-]{10,})/ },
  { name: 'token', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bsk-(?:[a-z]+-)?[A-Za-z0-9]{24,}/ },
  { name: 'token', pattern: /\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}/, notIn: /\.spec\.ts$|(?:^|\/)(?:fixtures|golden)\// },
  { name: 'credentials in an address', pattern: /\bhttps?:[/]{2}[^\s/@:'"`$<{]+:[^\s/@'"`$<{]{6,}@/ },
];

/** One line per finding; never the text itself, as this output is published too. */
function scan(place, text) {
  return patterns
    .filter(({ notIn }) => !notIn?.test(place))
    .flatMap(({ name, pattern }) =>
      text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${name}  ${place}:${index + 1}`] : [])),
    );
}

/** The patterns prove themselves on made-up leaks, put together here so that no file holds one. */
function selfTest() {
  const x = 'x'.repeat(40);
  const bad = [
    ['', 'work', 'main', 'a.ts'].join('/'), ['see file:', '', '', 'home', 'somebody', 'a'].join('/'), ['"', 'root', 'a"'].join('/'),
    `-----BEGIN EC ${'PRIVATE'} KEY-----`, `gh${'p_'}${x}`, `npm${'_'}${x}`, `AK${'IA'}${'A1'.repeat(8)}`, `ey${'J'}${x}.ey${'J'}${x}.${x}`,
    ['https:', '', `user:${x}@example.org`].join('/'), `registry.${'npmjs'}.org`,
  ];
  const fine = ['./work/main', 'https://example.org/work/', '${root}/home/x', '-----BEGIN PUBLIC KEY-----', 'https://example.org:8080/a@b'];
  const missed = bad.filter((each) => scan('planted', each).length !== 1);
  const wrong = fine.filter((each) => scan('planted', each).length > 0);
  return [...missed.map((each) => `self-test: not found once: ${each}`), ...wrong.map((each) => `self-test: found: ${each}`)];
}

const findings = selfTest();

const tracked = capture('git', ['ls-files', '-z']).split('\0').filter(Boolean);
for (const file of tracked) {
  let bytes;
  try {
    bytes = readFileSync(`${root}${file}`);
  } catch {
    continue; // deleted in the working tree
  }
  if (!bytes.subarray(0, 8000).includes(0)) findings.push(...scan(file, bytes.toString('utf8')));
}
const commits = capture('git', ['log', '--format=%h%x1f%B%x1e']).split('\x1e').filter((each) => each.trim());
for (const commit of commits) {
  const [id, message = ''] = commit.trim().split('\x1f');
  findings.push(...scan(`commit ${id}`, message));
}
for (const finding of findings) console.log(finding);
console.log(`leak scan: ${tracked.length} files, ${commits.length} commits, ${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
