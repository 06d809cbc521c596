export { openOpaPolicyEngine } from './opa-policy-engine.ts';
export type { OpaPolicyEngineOptions } from './opa-policy-engine.ts';
