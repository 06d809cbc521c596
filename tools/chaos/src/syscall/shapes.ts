/** How long the disk fails: one call; ten calls on end, then it is mended; for ever, and then the power goes. */
export const SHAPES = ['once', 'outage', 'for-ever'] as const;
export type Shape = (typeof SHAPES)[number];
