import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withAttackedSet } from './mount-attack.ts';
import type { Attack, AttackedSet } from './attack.ts';
import { partsOf } from './forgery.ts';
import { PROVING_FILES } from './real-sets.ts';
import type { TamperWorld } from './real-sets.ts';

const SCRIPT = fileURLToPath(new URL('../../../verify_receipt.sh', import.meta.url));
/** Where `tools/ci/tools.sh` puts it. */
export const COSIGN_DEFAULT = join(homedir(), '.cache/maestro/tools/cosign-3.1.2/cosign');
const ANSWER_MAX_MS = 30_000;

/** What cosign and the digests of the statement were asked, and what they let pass. */
export type CosignFindings = { readonly asked: number; readonly violations: readonly string[] };

/** `cosign`: path of the program; `flips`: single bits that it is shown beside the attacks that it can see. */
export type CosignRequest = { readonly cosign: string; readonly flips: number; readonly random: () => number; readonly keyFile: string; readonly parent: string };

/** Shows stock tools the true set, which they must accept, and what they can tell from it, which they must refuse. */
export async function askCosign(world: TamperWorld, attacks: readonly Attack[], { cosign, flips, random, keyFile, parent }: CosignRequest): Promise<CosignFindings> {
  const violations: string[] = [];
  const accepts = (set: AttackedSet): Promise<boolean> => withAttackedSet(parent, world, set, (folder) => isAccepted(cosign, folder, keyFile));
  if (!(await accepts({}))) violations.push('cosign refuses the true set');
  const shown = [
    ...attacks.filter(({ isSeenByCosign }) => isSeenByCosign === true).map(({ name, make }) => ({ name, set: make(world) })),
    ...Array.from({ length: flips }, () => flippedSet(world, random)),
  ];
  for (const { name, set } of shown) if (await accepts(set)) violations.push(`cosign accepts: ${name}`);
  return { asked: shown.length + 1, violations };
}

/** One bit of a file, or of what the bundle's signature covers: the rest of a bundle says the same to cosign however it is spelled. */
function flippedSet({ set }: TamperWorld, random: () => number): { readonly name: string; readonly set: AttackedSet } {
  const file = PROVING_FILES[Math.floor(random() * PROVING_FILES.length)] ?? 'events';
  const bytes = Buffer.from(set[file]);
  const flip = (target: Buffer): number => {
    const at = Math.floor(random() * target.length);
    target.writeUInt8(target.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
    return at;
  };
  if (file !== 'bundle') return { name: `${file}, a bit of byte ${flip(bytes)}`, set: { files: { [file]: bytes } } };
  const payload = partsOf(bytes).payload.toString('base64');
  const changed = partsOf(bytes).payload;
  const at = flip(changed);
  return { name: `payload, a bit of byte ${at}`, set: { files: { bundle: Buffer.from(bytes.toString('utf8').replace(payload, changed.toString('base64'))) } } };
}

function isAccepted(cosign: string, folder: string, keyFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('env', [`COSIGN=${cosign}`, SCRIPT, folder, keyFile], { timeout: ANSWER_MAX_MS }, (error) => resolve(error === null));
  });
}
