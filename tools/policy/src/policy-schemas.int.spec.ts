import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type OpaPolicyEngineOptions, openOpaPolicyEngine } from '@maestro/adapter-opa';
import type { Json } from '@maestro/domain';
import type { PolicyEngine, PolicyStage } from '@maestro/ports';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { randomInput, randomSource } from '../random-input.mjs';

// The schemas are what people read, the Rego shape rules are what runs: this holds them equal.
const POLICY = fileURLToPath(new URL('../../../policy/', import.meta.url));
const SEED = Number(process.env['POLICY_SEED'] ?? 20260105);
const stages = (['publish', 'start', 'task'] as const).map((stage) => [stage] as const);
const options: OpaPolicyEngineOptions = { bundlesDir: `${POLICY}bundles`, timeoutMs: 10_000 };

const schemaOf = (file: string): object => JSON.parse(readFileSync(`${POLICY}${file}`, 'utf8')) as object;
const validator = (stage: PolicyStage): ValidateFunction =>
  new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schemaOf(`input/${stage}.schema.json`));

describe('policy input schemas', () => {
  let engine: PolicyEngine;
  beforeAll(async () => {
    engine = await openOpaPolicyEngine(options);
  });
  afterAll(() => engine.close());

  it.each(stages)(`%s: the pii pack is ready for an input exactly where its schema takes it (seed ${SEED})`, async (stage) => {
    const validate = validator(stage);
    const random = randomSource(SEED);
    const counts = { taken: 0, refused: 0 };
    for (let n = 0; n < 1500; n += 1) {
      const input = JSON.parse(JSON.stringify(randomInput(random, stage))) as Json;
      const taken = validate(input);
      const { packs } = await engine.evaluate(engine.active().setDigest, stage, input);
      const pii = packs.find(({ pack }) => pack === 'pii');
      if (pii?.ready !== taken) throw new Error(`schema says ${taken}, pack says ${pii?.ready}: ${JSON.stringify(input)}`);
      counts[taken ? 'taken' : 'refused'] += 1;
    }
    // Both answers must have been met often, or nothing was compared.
    expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(150);
  });

  it.each(stages)('%s: an input of another stage is not taken', (stage) => {
    const random = randomSource(SEED);
    const validate = validator(stage);
    const others = stages.map(([other]) => other).filter((other) => other !== stage);
    for (const other of others) for (let n = 0; n < 50; n += 1) expect(validate(randomInput(random, other))).toBe(false);
  });
});

describe('price book', () => {
  const validate = new Ajv2020({ strict: true }).compile(schemaOf('prices.schema.json'));
  const book = JSON.parse(readFileSync(`${POLICY}prices.json`, 'utf8')) as {
    classes: Record<string, { microUsdPerSecond: number }>;
  };

  it('fits its schema', () => {
    expect(validate(book)).toBe(true);
  });

  it('has a price for each class that a policy input may name, rising with the class', () => {
    const { small, medium, large } = book.classes;
    expect(small?.microUsdPerSecond).toBeGreaterThan(0);
    expect(medium?.microUsdPerSecond).toBeGreaterThan(small?.microUsdPerSecond ?? 0);
    expect(large?.microUsdPerSecond).toBeGreaterThan(medium?.microUsdPerSecond ?? 0);
  });

  it.each([
    ['a fraction of a micro-USD', { ...book, classes: { ...book.classes, small: { microUsdPerSecond: 0.5 } } }],
    ['a negative price', { ...book, classes: { ...book.classes, small: { microUsdPerSecond: -1 } } }],
    ['a missing class', { ...book, classes: { small: book.classes['small'] } }],
    ['another currency', { ...book, currency: 'EUR' }],
    ['an unknown key', { ...book, note: '' }],
  ])('is refused with %s', (_, changed) => {
    expect(validate(changed)).toBe(false);
  });
});
