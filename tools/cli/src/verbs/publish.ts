import { commandFor } from '../conductor/session.ts';
import { EXIT } from '../exit-codes.ts';
import { labelled } from '../screen.ts';
import { publishManifest, readManifestFile, tellPublishDenied } from './publish-manifest.ts';
import { withConductor } from './verb-context.ts';
import type { CommonFlags, VerbContext } from './verb-context.ts';

export type PublishFlags = CommonFlags & { readonly manifest: string };

/** Publishes a manifest and starts nothing. The same content again is no new version. */
export async function publishVerb(flags: PublishFlags, context: VerbContext): Promise<number> {
  const { screen, settings } = context;
  const manifest = await readManifestFile(flags.manifest, settings.cwd);
  return withConductor(flags, context, async (client) => {
    const publication = await publishManifest(client, manifest, context);
    if (publication.kind === 'denied') return tellPublishDenied(client, publication, { inputs: {}, region: null }, flags, context);
    const { id, version, digest, channel } = publication.published;
    if (flags.json === true) {
      screen.out(JSON.stringify({ ok: true, exitCode: EXIT.ok, workflow: { id, version, digest, channel } }, null, 2));
      return EXIT.ok;
    }
    const paint = screen.paintOut;
    const start = channel === 'candidate' ? `run -w ${id} --canary` : `run -w ${id}`;
    const rows = [
      ['workflow', `${id} ${version} (${channel})`],
      ['digest', digest],
      ['run it', commandFor(start, flags)],
      ...(channel === 'candidate' ? [['make it stable', commandFor(`promote -w ${id}`, flags)] as const] : []),
    ] as const;
    screen.out(`${paint('good', '✓')} published\n\n${labelled(rows, paint)}`);
    return EXIT.ok;
  });
}
