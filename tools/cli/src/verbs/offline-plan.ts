import type { OfflineAsked, OfflinePlan } from '@maestro/conductor';
import { CliError } from '../cli-error.ts';
import type { Inputs } from '../commands/input-option.ts';
import type { CliSettings } from '../config.ts';
import { EXIT } from '../exit-codes.ts';
import { AnswerError } from '../rest/answer-error.ts';
import { readManifestFile } from './publish-manifest.ts';

/** What an offline plan is asked about. */
export type PlanFlags = {
  readonly manifest: string;
  readonly input: Inputs;
  readonly region?: string | undefined;
  readonly json?: boolean | undefined;
};

/**
 * The dry run of a manifest with the shipped packs, prices and packages, by the configuration that a conductor started
 * here would have. No network, no conductor, nothing written. AnswerError MANIFEST_INVALID and others, as a conductor
 * would answer; CliError CONFIG_INVALID.
 */
export async function planManifest({ manifest, input, region }: PlanFlags, { cwd, environment }: CliSettings): Promise<OfflinePlan> {
  const { type, bytes } = await readManifestFile(manifest, cwd);
  // loaded late: the conductor's code is large, and no other verb needs it in this process
  const { parseConfig, planOffline } = await import('@maestro/conductor');
  const configured = parseConfig([], environment, cwd);
  if (configured.kind === 'faults') throw new CliError(EXIT.usage, 'CONFIG_INVALID', configured.faults.join('; '));
  const asked: OfflineAsked = {
    manifest: { format: type === 'application/json' ? 'json' : 'yaml', bytes },
    inputs: Object.fromEntries(input) as OfflineAsked['inputs'],
    region: region ?? null,
    deployment: configured.config,
  };
  return planOffline(asked).catch((error: unknown) => {
    throw asAnswer(error);
  });
}

/** The conductor's own refusal, so that it is told as if it had come over REST; anything else as it is. */
function asAnswer(error: unknown): unknown {
  const { name, status, code, detail, errors } = (error ?? {}) as { readonly [key: string]: unknown };
  return name === 'ProblemError' && typeof status === 'number' ? new AnswerError(status, { code, detail, errors }) : error;
}

/** 0: it would start; 2: it cannot; 3: policy denies it. */
export function exitCodeOfPlan({ problems, decisions }: OfflinePlan): number {
  if (problems.length > 0) return EXIT.usage;
  return decisions.every(({ allow }) => allow) ? EXIT.ok : EXIT.denied;
}
