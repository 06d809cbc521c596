/** Runs one harness: its arguments → exit code, 0 only if every floor and every count holds. */
export type RunHarness = (args: readonly string[]) => Promise<number>;

/** A harness that people and CI call by name; its module is loaded when it is called. */
export type Harness = { readonly does: string; readonly load: () => Promise<RunHarness> };

/** Every harness, one line each: `{ does, load: async () => (await import('./<folder>/command.ts')).run<Name> }`. */
export const HARNESSES: { readonly [name: string]: Harness } = {
  bitflip: { does: 'flips single bits of everything that is stored: each is detected and named, none is served', load: async () => (await import('./bitflip/command.ts')).runBitflip },
  sim: { does: 'the whole conductor on simulated time and chance, with faults in every port', load: async () => (await import('./sim/command.ts')).runSim },
  tamper: { does: 'changes every byte of a receipt set, and attacks it: the verifier accepts none', load: async () => (await import('./tamper/command.ts')).runTamper },
  checker: { does: 'shows that the judge of all harnesses is linear', load: async () => (await import('./history/command.ts')).runChecker },
  kill: { does: 'kills real conductors under load, 200 times', load: async () => (await import('./kill/command.ts')).runKill },
  syscall: { does: 'kills the stores at one system call after the other, and lets calls fail: nothing acknowledged is lost', load: async () => (await import('./syscall/command.ts')).runSyscall },
  network: { does: 'cuts, delays, doubles and parts connections between clients and a real conductor', load: async () => (await import('./network/command.ts')).runNetwork },
  cluster: { does: 'harms clusters of real servers and role processes in every way of a table: nothing acknowledged is lost or doubled', load: async () => (await import('./cluster/command.ts')).runCluster },
  soak: { does: 'keeps half of the maximum load up: memory, files, delays must stay flat', load: async () => (await import('./soak/command.ts')).runSoak },
  report: { does: 'the scoreboard: what all harnesses came to', load: async () => (await import('./report/command.ts')).runReport },
  reproduce: { does: 'shows that a bug that was found is gone, and would be found again (also: --reproduce <id>)', load: async () => (await import('./reproduce/command.ts')).runReproduce },
};

const USAGE = 64;

/** `./maestro chaos <harness> [options]`; without one, what there is. Answers the exit code. */
export async function runChaos(args: readonly string[], harnesses = HARNESSES, say: (line: string) => void = console.log): Promise<number> {
  const [first = '--help', ...rest] = args;
  const name = first === '--reproduce' ? 'reproduce' : first;
  if (name === '--help' || name === 'help') {
    say(helpOf(harnesses));
    return 0;
  }
  const harness = Object.hasOwn(harnesses, name) ? harnesses[name] : undefined;
  if (harness === undefined) {
    say(`there is no harness ${name}\n${helpOf(harnesses)}`);
    return USAGE;
  }
  return (await harness.load())(rest);
}

function helpOf(harnesses: typeof HARNESSES): string {
  const width = Math.max(0, ...Object.keys(harnesses).map((name) => name.length));
  const lines = Object.entries(harnesses).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`);
  return ['usage: ./maestro chaos <harness> [options]', '', ...lines, '', 'Figures go to .cache/chaos/<harness>.json. ./maestro chaos <harness> --help tells the options.'].join('\n');
}
