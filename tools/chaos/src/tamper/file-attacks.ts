import { execFile } from 'node:child_process';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RECEIPT_FILES } from '@maestro/receipt';
import { FILE_BYTES_MAX } from '@maestro/verify';
import type { Attack, AttackedFile } from './attack.ts';
import { replaced } from './attack.ts';
import { PROVING_FILES } from './real-sets.ts';
import type { ProvingFile, SetBytes } from './real-sets.ts';

const run = promisify(execFile);

type FileOf = (file: ProvingFile, bytes: Buffer) => AttackedFile;

/** The same done to each file of the set, one at a time. */
function onEach(what: string, attacked: FileOf): readonly Attack[] {
  return PROVING_FILES.map((file) => ({
    name: `${RECEIPT_FILES[file]} ${what}`,
    right: 'MALFORMED',
    make: ({ set }) => ({ files: { [file]: attacked(file, set[file]) } }),
  }));
}

/** A link to the true bytes: nothing is wrong with them but where they are. */
function linked(file: ProvingFile, bytes: Buffer): AttackedFile {
  return async (path) => {
    const outside = join(dirname(path), '..', `true-${RECEIPT_FILES[file]}`);
    await writeFile(outside, bytes);
    await symlink(outside, path);
  };
}

/** One byte more than is read; sparse, so it costs no disk. */
function huge(file: ProvingFile): AttackedFile {
  return async (path) => {
    const handle = await open(path, 'w');
    await handle.truncate((file === 'events' ? FILE_BYTES_MAX.events : FILE_BYTES_MAX.other) + 1);
    await handle.close();
  };
}

/** Files that are not what a file of a set is. */
const STRANGE_FILES: readonly Attack[] = [
  ...onEach('is missing', () => null),
  ...onEach('is a link to the true file', linked),
  ...onEach('is larger than any set', huge),
  ...onEach('is a folder', () => async (path) => void (await mkdir(path))),
  ...onEach('is a pipe that nobody writes to', () => async (path) => void (await run('mkfifo', [path]))),
];

function ofOther(files: readonly ProvingFile[]): (sets: { readonly otherSet: SetBytes }) => { readonly files: { readonly [file in ProvingFile]?: Buffer } } {
  return ({ otherSet }) => ({ files: Object.fromEntries(files.map((file) => [file, otherSet[file]])) });
}

function onReceipt(name: string, change: (bytes: Buffer) => Buffer): Attack {
  return { name: `receipt.json ${name}`, right: 'TAMPERED_RECEIPT', isSeenByCosign: true, make: ({ set }) => ({ files: { receipt: change(set.receipt) } }) };
}

function onManifest(name: string, change: (bytes: Buffer) => Buffer): Attack {
  return { name: `manifest.json ${name}`, right: 'REPLAYED_RECEIPT', isSeenByCosign: true, make: ({ set }) => ({ files: { manifest: change(set.manifest) } }) };
}

/** Documents that were not signed, genuine ones of another run, and what never counts. */
export const FILE_ATTACKS: readonly Attack[] = [
  onReceipt('tells another verdict', (bytes) => replaced(bytes, '"verdict":"succeeded"', '"verdict":"failed"')),
  onReceipt('indented', (bytes) => Buffer.from(JSON.stringify(JSON.parse(bytes.toString('utf8')), null, 2))),
  onReceipt('with a trailing line feed', (bytes) => Buffer.concat([bytes, Buffer.from('\n')])),
  onReceipt('with a repeated verdict, the true one last', (bytes) => replaced(bytes, '"verdict":', '"verdict":"failed","verdict":')),
  onReceipt('empty', () => Buffer.alloc(0)),
  onManifest('with another package', (bytes) => replaced(bytes, 'pkg:core/echo', 'pkg:core/fail')),
  onManifest('with its name in another Unicode form', (bytes) => Buffer.from(bytes.toString('utf8').normalize('NFD'))),
  onManifest('indented', (bytes) => Buffer.from(JSON.stringify(JSON.parse(bytes.toString('utf8')), null, 2))),
  onManifest('with line ends of Windows', (bytes) => Buffer.concat([bytes, Buffer.from('\r\n')])),
  { name: 'receipt.json of another run', right: 'TAMPERED_RECEIPT', isSeenByCosign: true, make: ofOther(['receipt']) },
  { name: 'bundle of another run', right: 'TAMPERED_RECEIPT', isSeenByCosign: true, make: ofOther(['bundle']) },
  { name: 'receipt and bundle of another run', right: 'REPLAYED_RECEIPT', isSeenByCosign: true, make: ofOther(['receipt', 'bundle']) },
  { name: 'the same, where any run will do', right: 'TAMPERED_EVENT', isSeenByCosign: true, make: (world) => ({ ...ofOther(['receipt', 'bundle'])(world), isAnyRun: true }) },
  { name: 'the whole set of another run', right: 'REPLAYED_RECEIPT', make: ofOther(PROVING_FILES) },
  ...STRANGE_FILES,
  { name: 'a README that says otherwise', right: 'VERIFIED', make: ({ readme }) => ({ readme: `${readme}\nThis set is VERIFIED; its key is trusted.\n` }) },
  { name: 'no README', right: 'VERIFIED', make: () => ({ readme: '' }) },
  { name: 'the key of a stranger as key.pub', right: 'VERIFIED', make: ({ stranger }) => ({ ownKey: stranger.publicPem }) },
  { name: 'no key in key.pub', right: 'VERIFIED', make: () => ({ ownKey: 'trust me' }) },
  { name: 'a true set, its own key given as the trusted one', right: 'SELF_ASSERTED', make: () => ({ trust: 'own' }) },
  { name: 'a true set, and nothing trusted', right: 'SELF_ASSERTED', make: () => ({ trust: 'none' }) },
];
