/** Takes items in order, `lanes` at a time, until there are none left or `isEnough` says so. */
export async function inLanes<T>(items: Iterable<T>, lanes: number, isEnough: () => boolean, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    while (!isEnough()) {
      const { value, done } = queue.next();
      if (done === true) return;
      await work(value);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
