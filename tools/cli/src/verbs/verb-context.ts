import { openSession } from '../conductor/session.ts';
import type { Session, Where } from '../conductor/session.ts';
import type { CliSettings } from '../config.ts';
import { RestClient } from '../rest/client.ts';
import type { Screen } from '../screen.ts';
import { enrolConductor } from '../trust/enrol.ts';

/** What every verb gets: settings, where to write, and the signal that ends it early. */
export type VerbContext = { readonly settings: CliSettings; readonly screen: Screen; readonly signal: AbortSignal };

/** Flags of every verb that speaks to a conductor. */
export type CommonFlags = Where & { readonly json?: boolean | undefined };

/**
 * Gives a verb a conductor, found or started, with its root enrolled where its folder is ours; ends the conductor
 * afterwards where it was started for this verb.
 */
export async function withConductor<T>(
  where: Where,
  { settings, screen, signal }: VerbContext,
  use: (client: RestClient, session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(where, settings, screen);
  try {
    if (session.dataDir !== undefined) await enrolConductor(session.dataDir, settings.trustStorePath, screen);
    return await use(new RestClient(session, signal), session);
  } finally {
    await session.close();
  }
}
