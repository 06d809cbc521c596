/** Where servers are found: NATS_SERVER, VERSITYGW, PG_BIN, MAESTRO_ESDB_URL, else PATH and the cache of tools. */
export const serverEnvironment: Readonly<Record<string, string | undefined>> = process.env;
