/** First numbers of the advisory locks, which are one space per database; the second one is a hash of a name, or 0. */
export const LOCKS = { migration: 0x6d63_0001, processState: 0x6d63_0002, readModels: 0x6d63_0003 } as const;
