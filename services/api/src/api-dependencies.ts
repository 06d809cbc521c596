import type { ExecutionId, Json, Rejection } from '@maestro/domain';
import type { Clock, CommandGateway, Cursor, Entropy, EventStore, EvidenceStore, Log, Metrics, PolicyEngine, ReadModels, TaskPackages } from '@maestro/ports';
import type { NoTaskLog, PolicyActivation, PriceBook, StreamTails, TaskLog, Unreadable } from '@maestro/runtime';
import type { ApiSettings } from './settings.ts';

/** One public key of the deployment; times are RFC 3339, null: no bound. */
export type PublishedKey = {
  readonly keyId: string;
  /** DER SubjectPublicKeyInfo, base64 */
  readonly spki: string;
  readonly pem: string;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly revokedAt: string | null;
};

export type PublishedKeys = {
  /** the signed registry as it is stored (a DSSE envelope) */
  registry(): Json;
  publicKeys(): readonly PublishedKey[];
};

/** One check of the verifier: `code` names the failure class, null where it passed. */
export type VerifyRow = {
  /** number of the check */
  readonly check: number;
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'not-checked';
  readonly code: string | null;
  readonly meaning: string;
  readonly whatToDo: string;
};

export type VerifyReport = {
  readonly rows: readonly VerifyRow[];
  /** `VERIFIED`, or the class of the first failure */
  readonly verdict: string;
  /** 0, or the number of the first check that failed */
  readonly exitCode: number;
};

/** What became of a command. `position`, `result`: of an accepted one; `rejection`: of a refused one. */
export type CommandRecord = {
  readonly commandId: string;
  readonly type: string;
  readonly state: 'accepted' | 'refused';
  readonly at: string;
  readonly position: Cursor | null;
  readonly result: { readonly [key: string]: Json } | null;
  readonly rejection: Rejection | null;
};

/** null: never seen, or forgotten. */
export type CommandRecords = {
  find(commandId: string): Promise<CommandRecord | null>;
  /** of the last 7 days, the latest first: such a command left no event */
  forbidden(): Promise<readonly ForbiddenCommand[]>;
};

/** A command that its sender may not send. `stream`: what it was about. */
export type ForbiddenCommand = { readonly commandId: string; readonly type: string; readonly at: string; readonly actor: string; readonly stream: string; readonly reason: string };

export type ReadinessRow = { readonly name: string; readonly ok: boolean; readonly detail: string };

export type ApiMetrics = Metrics & { text(): Promise<string>; readonly contentType: string };

/** Everything that the API role touches. */
export type ApiDependencies = {
  readonly gateway: CommandGateway;
  readonly commands: CommandRecords;
  readonly store: EventStore;
  /** over the same store; closed with the module */
  readonly tails: StreamTails;
  readonly views: ReadModels;
  readonly evidence: EvidenceStore;
  readonly policies: PolicyEngine;
  /** which policy set was active from when on, oldest first */
  readonly policyActivations: () => Promise<readonly PolicyActivation[]>;
  readonly packages: TaskPackages;
  readonly prices: PriceBook;
  readonly keys: PublishedKeys;
  readonly verify: (executionId: string) => Promise<VerifyReport>;
  /** verifies a set that somebody else holds, by the keys of this deployment; file name → bytes */
  readonly verifyFiles: (files: ReadonlyMap<string, Uint8Array>) => VerifyReport;
  /** the log of an attempt; null: the latest. Who opens it holds the keys, the API does not */
  readonly taskLog: (executionId: ExecutionId, taskId: string, attempt: number | null) => Promise<TaskLog | NoTaskLog | Unreadable>;
  readonly readiness: () => Promise<readonly ReadinessRow[]>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly metrics: ApiMetrics;
  readonly log: Log;
  readonly settings: ApiSettings;
};

export type DependencyName = keyof ApiDependencies;

/** Injection token of one dependency. */
export function tokenOf(name: DependencyName): symbol {
  return Symbol.for(`maestro.api.${name}`);
}
