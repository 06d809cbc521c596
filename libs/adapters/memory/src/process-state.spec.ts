import { processStateConformance } from '@maestro/conformance';
import { MemoryProcessDisk, MemoryProcessState } from './process-state.ts';

processStateConformance('memory', async () => {
  const disk = new MemoryProcessDisk();
  let state = new MemoryProcessState(disk);
  const reopen = async (): Promise<MemoryProcessState> => {
    await state.close();
    state = new MemoryProcessState(disk);
    return state;
  };
  return { open: async () => state, reopen, dispose: () => state.close() };
});
