import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RECEIPT_FILES, digestOf, openBundle, sha256 } from '@maestro/receipt';
import { rebuildFolder, renderRebuilt } from '@maestro/verify';
import { EXIT } from '../exit-codes.ts';
import { withExportedRun } from '../receipt-set/export-run.ts';
import { labelled } from '../screen.ts';
import { subjectOf } from './subject.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

/** Makes the receipt and the signed statement anew from the events and compares bytes. Exit code 8: they differ. */
export async function rebuild(given: string, flags: CommonFlags, context: VerbContext): Promise<number> {
  const subject = await subjectOf(given, context.settings.cwd);
  if (subject.kind === 'folder') return rebuildIn(subject.path, flags, context);
  return withConductor(flags, context, (client) =>
    withExportedRun(client, subject.executionId, (folder) => rebuildIn(folder, flags, context)),
  );
}

async function rebuildIn(folder: string, flags: CommonFlags, { screen }: VerbContext): Promise<number> {
  const rebuilt = await rebuildFolder(folder);
  const digests = await digestsOf(folder);
  const exitCode = rebuilt.identical ? EXIT.ok : EXIT.rebuildMismatch;
  if (flags.json === true) {
    screen.out(
      JSON.stringify(
        { ok: rebuilt.identical, exitCode, ...rebuilt, code: rebuilt.identical ? null : 'REBUILD_MISMATCH', digests: Object.fromEntries(digests) },
        null,
        2,
      ),
    );
    return exitCode;
  }
  const paint = screen.paintOut;
  screen.out(renderRebuilt(rebuilt).trimEnd());
  screen.out(`\n${labelled(digests, paint)}\n`);
  screen.out(
    rebuilt.identical
      ? paint('good', 'IDENTICAL: the events make these documents, byte for byte')
      : paint('bad', 'REBUILD_MISMATCH: the events make other documents'),
  );
  return exitCode;
}

/** SHA-256 of what the folder holds; of the bundle, its payload: signatures are never twice the same. */
async function digestsOf(folder: string): Promise<readonly (readonly [string, string])[]> {
  const read = (name: string): Promise<Uint8Array | undefined> => readFile(join(folder, name)).catch(() => undefined);
  const bundle = await read(RECEIPT_FILES.bundle);
  const opened = bundle === undefined ? undefined : openBundle(bundle);
  const found: readonly (readonly [string, Uint8Array | undefined])[] = [
    [RECEIPT_FILES.events, await read(RECEIPT_FILES.events)],
    [RECEIPT_FILES.manifest, await read(RECEIPT_FILES.manifest)],
    [RECEIPT_FILES.receipt, await read(RECEIPT_FILES.receipt)],
    ['signed statement', typeof opened === 'object' ? opened.payload : undefined],
  ];
  return found.map(([name, bytes]) => [name, bytes === undefined ? 'missing' : digestOf(sha256(bytes))] as const);
}
