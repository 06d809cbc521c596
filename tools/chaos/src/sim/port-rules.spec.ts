import { MemoryEventStore, MemoryEvidenceStore, MemoryKeyVault, MemoryProcessState, MemoryReadModels, MemoryWorkQueue, seededEntropy } from '@maestro/adapter-memory';
import { PORT_RULES } from './port-rules.ts';
import type { PortRules } from './port-rules.ts';
import { ScriptedPackages } from './scripted-packages.ts';
import { ScriptedPolicies, ScriptedSigner } from './scripted-policies.ts';
import { SimulatedClock } from './simulated-clock.ts';

type Port = { ask(): Promise<void>; follow(): AsyncIterable<void>; look(): void };
const answer = { before: null, after: null, again: 'never', writes: false } as const;

describe('the rules of faults', () => {
  it('name every method of every port, and no other', () => {
    const clock = new SimulatedClock();
    const adapters: { readonly [N in keyof typeof PORT_RULES]: object } = {
      store: new MemoryEventStore(),
      queue: new MemoryWorkQueue({ clock, entropy: seededEntropy('rules') }),
      state: new MemoryProcessState(),
      evidence: new MemoryEvidenceStore(),
      views: new MemoryReadModels(),
      vault: new MemoryKeyVault(),
      policies: new ScriptedPolicies(() => false),
      packages: new ScriptedPackages({ seed: 1, clock, attempted: () => undefined }),
      signer: new ScriptedSigner(),
    };
    // `KeyTransfer`, which the vaults have beside their port: no role is given it
    const ofNoRole = new Set(['reveal', 'adopt']);
    for (const [name, rules] of Object.entries(PORT_RULES)) {
      const prototype = Object.getPrototypeOf(adapters[name as keyof typeof adapters]) as object;
      const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([key, { value }]) => (typeof value === 'function' && key !== 'constructor' && !ofNoRole.has(key) ? [key] : []));
      expect([name, Object.keys(rules).sort()]).toEqual([name, methods.sort()]);
    }
  });

  it('do not compile where a method has none, or one of another kind', () => {
    const whole: PortRules<Port> = { ask: answer, follow: { breaks: 'STORE_OUTCOME_UNKNOWN' }, look: 'plain' };
    // @ts-expect-error -- a method that was added to the port has no rule yet
    const missing: PortRules<Port> = { ask: answer, follow: { breaks: 'STORE_OUTCOME_UNKNOWN' } };
    // @ts-expect-error -- what answers later can always fail, and is never a plain look
    const plain: PortRules<Port> = { ...whole, ask: 'plain' };
    expect([whole, missing, plain].map((rules) => Object.keys(rules).length)).toEqual([3, 2, 3]);
  });
});
