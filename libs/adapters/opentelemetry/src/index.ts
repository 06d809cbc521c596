export { openTracer } from './otel-tracer.ts';
export { parseTracingSettings } from './settings.ts';
export type { TracingSettings, TracingSettingsInput } from './settings.ts';
