import { setTimeout as delay } from 'node:timers/promises';
import type { ClientLoad } from '../client-load.ts';
import { jsonOf } from '../rest-client.ts';
import type { RestClient } from '../rest-client.ts';
import type { ApiClients } from './api-clients.ts';

type Row = { readonly id: string; readonly status: string; readonly receipt: string | null };
type Page = { readonly items: readonly Row[]; readonly next: string | null };

/** Read models follow the events; a projector that begins anew has to read all of them. */
const FOLLOW_MAX_MS = 60_000;
const PAGE_ROWS = 100;

/** Asks the read models for every run of a load, until each is there as its client saw it end, or time is over; then what is wrong. */
export async function unlisted(clients: ApiClients, load: ClientLoad): Promise<readonly string[]> {
  for (const untilMs = performance.now() + FOLLOW_MAX_MS; ; await delay(500)) {
    const problems = await listed(clients.next()).then((rows) => problemsOf(rows, load.verdicts), (error: unknown) => [`LIST_UNANSWERED ${String(error)}`]);
    if (problems.length === 0 || performance.now() > untilMs) return problems;
  }
}

function problemsOf(rows: ReadonlyMap<string, Row>, verdicts: ReadonlyMap<string, string>): readonly string[] {
  return [...verdicts].flatMap(([id, verdict]) => {
    const row = rows.get(id);
    if (row === undefined) return [`LIST_LACKS_RUN execution-${id}: it ended as ${verdict}`];
    return row.status === verdict && row.receipt !== null ? [] : [`LIST_BEHIND execution-${id}: it ended as ${verdict}, the list says ${row.status}${row.receipt === null ? ' without a receipt' : ''}`];
  });
}

async function listed(client: RestClient): Promise<ReadonlyMap<string, Row>> {
  const rows = new Map<string, Row>();
  for (let after: string | null = ''; after !== null; ) {
    const page: Page = jsonOf<Page>(await client.get(`/api/executions?limit=${PAGE_ROWS}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`));
    for (const row of page.items) rows.set(row.id, row);
    after = page.next;
  }
  return rows;
}
