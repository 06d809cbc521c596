import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodeOf, writeHarnessResult } from '../harness-result.ts';
import { seededRandom } from '../seeded-random.ts';
import type { Attack } from './attack.ts';
import { BUNDLE_FORM_ATTACKS, KEY_HOLDER_ATTACKS, SIGNATURE_ATTACKS } from './bundle-attacks.ts';
import { changeEveryByte } from './every-byte.ts';
import type { ByteFindings } from './every-byte.ts';
import { FILE_ATTACKS } from './file-attacks.ts';
import { EVENT_ATTACKS, SPELLING_ATTACKS } from './history-attacks.ts';
import { verdictOn } from './mount-attack.ts';
import { makeRealSets } from './real-sets.ts';
import type { TamperWorld } from './real-sets.ts';
import { COSIGN_DEFAULT, askCosign } from './stock-cosign.ts';
import type { CosignFindings, CosignRequest } from './stock-cosign.ts';

const USAGE = `usage: ./maestro chaos tamper [options]
  --seed S            draws the same bits and places again (default: the time)
  --bits N            bits of every byte that are flipped, 1 to 8 (default 1)
  --samples N         bytes raised by one, deleted and put in, each, a file (default 300)
  --cosign N          bit flips that stock cosign is shown (default 12; 0: cosign is not asked at all)
  --cosign-path FILE  the cosign to ask (default: the one that tools/ci/tools.sh installs)
Every byte of events, receipt, bundle and manifest of a set that a real run left is changed, one at a time; then a table
of attacks. The offline verifier must accept none and name each rightly.`;

/** Every structured attack. */
export const ATTACKS: readonly Attack[] = [...EVENT_ATTACKS, ...SPELLING_ATTACKS, ...BUNDLE_FORM_ATTACKS, ...SIGNATURE_ATTACKS, ...KEY_HOLDER_ATTACKS, ...FILE_ATTACKS];

const FLOORS = { attacks: 100, bytes: 10_000, changes: 20_000 };
const COSIGN_FLOOR = 30;

const OPTIONS = {
  seed: { type: 'string' },
  bits: { type: 'string', default: '1' },
  samples: { type: 'string', default: '300' },
  cosign: { type: 'string', default: '12' },
  'cosign-path': { type: 'string', default: COSIGN_DEFAULT },
  help: { type: 'boolean' },
} as const;

/** Receipt tampering: 0 accepted, the right class each. Exit code 0 only then. */
export async function runTamper(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const seed = values.seed ?? String(Date.now());
  const random = seededRandom(`tamper/${seed}`);
  const startedMs = performance.now();
  console.log(`tamper: seed ${seed}`);
  const world = await makeRealSets(random);
  const bytes = changeEveryByte(world, { bitsPerByte: Math.min(8, Math.max(1, Number(values.bits))), sampleCount: Number(values.samples), random });
  tellBytes(bytes, performance.now() - startedMs);
  const { attacks, cosign } = await withKeyFile(world, async (keyFile, parent) => ({
    attacks: await judgeAttacks(world, keyFile, parent),
    cosign: await cosignFindings(world, { cosign: values['cosign-path'], flips: Number(values.cosign), random, keyFile, parent }),
  }));
  return finish({ seed, seconds: (performance.now() - startedMs) / 1_000 }, bytes, attacks, cosign);
}

function finish({ seed, seconds }: { readonly seed: string; readonly seconds: number }, bytes: ByteFindings, attacks: AttackFindings, cosign: CosignFindings | undefined): number {
  const accepted = bytes.accepted + attacks.judged.filter(({ right, got }) => got === 'VERIFIED' && right !== 'VERIFIED').length;
  const counts = { attacks: attacks.judged.length, bytes: bytes.bytes, changes: bytes.changes, cosignAsked: cosign?.asked ?? 0 };
  const floors = { ...FLOORS, ...(cosign === undefined ? {} : { cosignAsked: COSIGN_FLOOR }) };
  const missed = Object.entries(floors).flatMap(([name, floor]) => (counts[name as keyof typeof counts] >= floor ? [] : [`${name}: ${counts[name as keyof typeof counts]}, expected at least ${floor}`]));
  const violations = [...bytes.violations, ...attacks.violations, ...(cosign?.violations ?? []), ...missed];
  writeHarnessResult({ harness: 'tamper', seed, seconds, figures: { ...counts, accepted, byKind: bytes.byKind, byClass: bytes.byClass, judged: attacks.judged }, floors, violations });
  for (const violation of violations.slice(0, SHOWN_MAX)) console.log(`VIOLATION ${violation}`);
  console.log(`harness: tamper, seed ${seed}, ${seconds.toFixed(1)} s, ${bytes.changes} changes of ${bytes.bytes} bytes, ${attacks.judged.length} attacks, ${accepted} accepted, ${violations.length} violations`);
  return exitCodeOf({ violations });
}

const SHOWN_MAX = 20;

function tellBytes({ byKind, byClass }: ByteFindings, ms: number): void {
  for (const [name, count] of Object.entries(byKind)) console.log(`  ${name.padEnd(38)} ${String(count).padStart(7)}`);
  console.log(`  as classes, after ${(ms / 1_000).toFixed(1)} s:`);
  for (const [name, count] of Object.entries(byClass)) console.log(`  ${name.padEnd(38)} ${String(count).padStart(7)}`);
}

type Judged = { readonly name: string; readonly right: string; readonly got: string };
type AttackFindings = { readonly judged: readonly Judged[]; readonly violations: readonly string[] };

async function judgeAttacks(world: TamperWorld, keyFile: string, parent: string): Promise<AttackFindings> {
  const judged: Judged[] = [];
  for (const attack of ATTACKS) {
    const got = await verdictOn(attack, world, keyFile, parent);
    judged.push({ name: attack.name, right: attack.right, got });
    console.log(`  ${got === attack.right ? '✓' : '✗'} ${attack.name.padEnd(66)} ${got}${got === attack.right ? '' : `, expected ${attack.right}`}`);
  }
  const violations = judged.flatMap(({ name, right, got }) => (right === got ? [] : [`${name}: ${got}, expected ${right}`]));
  return { judged, violations };
}

async function cosignFindings(world: TamperWorld, how: CosignRequest): Promise<CosignFindings | undefined> {
  if (how.flips === 0) return undefined;
  if (!existsSync(how.cosign)) return { asked: 0, violations: [`${how.cosign} is not there: tools/ci/tools.sh installs it; --cosign 0 leaves it out`] };
  const found = await askCosign(world, ATTACKS, how);
  console.log(`  stock cosign: shown ${found.asked} sets, ${found.violations.length} judged wrongly`);
  return found;
}

/** A folder for the attacked sets, and the trusted key beside them. */
async function withKeyFile<T>(world: TamperWorld, work: (keyFile: string, parent: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'maestro-attacks-'));
  try {
    const keyFile = join(dir, 'trusted.pem');
    await writeFile(keyFile, world.signer.publicPem);
    return await work(keyFile, dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
