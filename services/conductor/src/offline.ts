import { readFileSync } from 'node:fs';
import { systemClock } from '@maestro/adapter-memory';
import { openOpaPolicyEngine } from '@maestro/adapter-opa';
import { openTaskPackages } from '@maestro/adapter-workerpool';
import type { Json, JsonObject } from '@maestro/domain';
import type { PolicyEngine, PolicyResult, PolicySetRef, PolicyStage } from '@maestro/ports';
import { canonicalBytes, sha256 } from '@maestro/receipt';
import { planRun, priceBookOf } from '@maestro/runtime';
import type { DryRun } from '@maestro/runtime';
import { API_DEFAULTS, readManifest } from '@maestro/service-api';
import { shippedFiles } from './build-info.ts';
import { SHIPPED_PACKAGES } from './shipped-packages.ts';

/** A manifest at hand, and what a start would say. */
export type OfflineAsked = {
  readonly manifest: { readonly format: 'json' | 'yaml'; readonly bytes: Uint8Array };
  readonly inputs: JsonObject;
  readonly region: string | null;
  /** of the deployment that the plan is for */
  readonly deployment: { readonly region: string | null; readonly requireRegion: boolean };
};
export type OfflinePlan = Omit<DryRun, 'kind'>;

/** Stands for the address of a conductor, which no plan depends on: `run.conductorUrl` in arguments. */
const SOME_CONDUCTOR_URL = 'http://127.0.0.1:4747';

/**
 * What a dry run would answer for this manifest as a draft, with the shipped packs, prices and packages. Speaks to nobody
 * and writes nothing. Throws the ProblemError of an unusable manifest, and Faults of a damaged installation.
 */
export async function planOffline({ manifest, inputs, region, deployment }: OfflineAsked): Promise<OfflinePlan> {
  const packages = openTaskPackages({ modules: SHIPPED_PACKAGES });
  try {
    const document = readManifest(manifest.format, manifest.bytes, packages);
    const { name, version } = document as { readonly name: string; readonly version: string };
    const chosen = { id: name, version, digest: sha256(canonicalBytes(document)), source: 'draft', manifest: document } as const;
    const prices = priceBookOf(JSON.parse(readFileSync(shippedFiles.prices, 'utf8')) as Json);
    const setting = { now: new Date(systemClock.nowMs()).toISOString(), actor: API_DEFAULTS.principal, ...deployment, conductorUrl: SOME_CONDUCTOR_URL };
    return await withPolicies(async (policies) => {
      const { kind: _, ...plan } = await planRun({ packages, policies, prices }, chosen, { inputs, region }, setting);
      return plan;
    });
  } finally {
    await packages.close();
  }
}

/** Which packs decided, and how. */
export type OfflineDecision = { readonly set: Pick<PolicySetRef, 'setDigest' | 'engine'>; readonly stage: PolicyStage; readonly result: PolicyResult };

/** What the shipped packs say about one policy input. Faults: EVALUATION_FAILED, PACK_SET_UNAVAILABLE. */
export function decideOffline(stage: PolicyStage, input: Json): Promise<OfflineDecision> {
  return withPolicies(async (policies) => {
    const { setDigest, engine } = policies.active();
    return { set: { setDigest, engine }, stage, result: await policies.evaluate(setDigest, stage, input) };
  });
}

async function withPolicies<T>(use: (policies: PolicyEngine) => Promise<T>): Promise<T> {
  const policies = await openOpaPolicyEngine({ bundlesDir: shippedFiles.policyBundles, poolSize: 1 });
  try {
    return await use(policies);
  } finally {
    await policies.close();
  }
}
