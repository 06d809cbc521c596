import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredEvent } from '@maestro/ports';
import { verifyFolder } from '@maestro/verify';
import { answerOf } from '../client-load.ts';
import type { ClientLoad } from '../client-load.ts';
import { eventually, inParallel } from '../eventually.ts';
import { checkHistory } from '../history-checker.ts';
import type { HistoryCounts } from '../history-checker.ts';
import type { Acknowledged } from '../persistent-client.ts';
import { exportReceiptSet, publicKeyPem } from '../receipt-export.ts';
import type { KnownParts } from '../receipt-export.ts';
import type { ApiClients } from './api-clients.ts';
import { clusterEvents } from './cluster-events.ts';
import type { ClusterSite } from './cluster-site.ts';
import { unlisted } from './listed-runs.ts';

export type Judgement = { readonly counts: HistoryCounts; readonly receiptsVerified: number; readonly violations: readonly string[] };

const WIDTH = 8;
const RECEIPT_MAX_MS = 120_000;

/**
 * Holds what is left against what clients were told, once everything has ended: every command is asked again, every
 * receipt is exported and verified offline, every run is in the list, and the history is read from the event store.
 * `before`: loads on the same cluster that were judged already; their runs are in the history, too.
 */
export async function judge(site: ClusterSite, clients: ApiClients, load: ClientLoad, before: readonly ClientLoad[]): Promise<Judgement> {
  const sent = load.acknowledgedCommands;
  const again = await inParallel(sent, WIDTH, (one) => load.repeat(one));
  const violations = sent.flatMap((one, i) => (isSame(one, again[i]) ? [] : [`REPEATED_OTHERWISE ${one.path}: ${one.key} is answered otherwise when it is asked again`]));
  const history = await clusterEvents(site.servers);
  const verdicts = await offlineVerdicts(clients, load, history);
  const all = [...before, load];
  const acknowledged = all.flatMap((each) => each.acknowledgedCommands);
  const claims = {
    answers: all.flatMap((each) => each.answers.map(answerOf)),
    commands: acknowledged.filter(({ executionId }) => executionId === ''),
    observed: all.flatMap((each) => each.observed),
    verdicts,
    isSettled: true,
    operationsMin: 1,
  };
  // receipts may have come since
  const report = checkHistory(await clusterEvents(site.servers, 'mc', history), claims);
  violations.push(...report.violations.map(({ code, where, detail }) => `${code} ${where}: ${detail}`), ...(await unlisted(clients, load)));
  return { counts: report.counts, receiptsVerified: [...verdicts.values()].filter((verdict) => verdict === 'VERIFIED').length, violations };
}

function isSame(one: Acknowledged, other: Acknowledged | undefined): boolean {
  return other?.commandId === one.commandId && other.executionId === one.executionId;
}

/** What the offline verifier says of each run of a load, by execution id. Waits for receipts that are late. */
async function offlineVerdicts(clients: ApiClients, load: ClientLoad, history: readonly StoredEvent[]): Promise<ReadonlyMap<string, string>> {
  const dir = await mkdtemp(join(tmpdir(), 'maestro-chaos-sets-'));
  try {
    const keyFile = join(dir, 'trusted.pem');
    await writeFile(keyFile, await publicKeyPem(clients.next()));
    const manifests: KnownParts['manifests'] = new Map();
    const events = Map.groupBy(history, ({ stream }) => stream as string);
    const verdicts = await inParallel(load.answers, WIDTH, async ({ executionId }) => {
      const client = clients.next();
      const folder = join(dir, executionId);
      // it is late, or an answer was lost: asked again until there is one
      await eventually(`the receipt of ${executionId}`, RECEIPT_MAX_MS, async () => exportReceiptSet(client, executionId, folder, { manifests, events: textsOf(events.get(`execution-${executionId}`)) }).then(() => true, () => false));
      const { ok, code } = await verifyFolder(folder, { keyFile, expected: { executionId } });
      await rm(folder, { recursive: true });
      return [executionId, ok ? 'VERIFIED' : String(code)] as const;
    });
    return new Map(verdicts);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function textsOf(events: readonly StoredEvent[] | undefined): readonly string[] | undefined {
  return events?.map(({ bytes }) => Buffer.from(bytes).toString('utf8'));
}
