// Policy inputs for the differential run: mostly sound, some bent, with words that sit at the edges of the rules.
const REGIONS = [
  'US',
  'us',
  ' US',
  'EU',
  'eu-west-1',
  'EU_WEST_1',
  'KP',
  'kp',
  'KP-01',
  'RU',
  'ru_central1',
  'KPX',
  'ſu',
  'ß',
  '日本',
  '',
  ' ',
];
const SOURCES = ['request', 'config', 'workflow', 'none', 'elsewhere'];
const KEYS = [
  ...['ssn', 'SSN', 'sSnLast4', 'ssn-hash', 'ſſn', 'ßN', 'ẞn', 'SſN', '_ssn', ' ssn', 'assn', 'ss', 'İssn', 'K', 'Ǆ', 'ΑΣ', 'ŉ'],
  ...[
    'passport_number',
    'PassportNo',
    'passport',
    'credit-card-number',
    'Social.Security.No',
    'url',
    'name',
    'a"ssn',
    'a\\',
    '\u0001',
    '',
    '😀ssn',
    '__proto__',
  ],
];
const WRONG = [null, true, 0, -1.5, 1e21, '', 'x', 'ssn', [], {}, [null], { ssn: 1 }];

/** Deterministic source of choices: mulberry32. */
export function randomSource(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (n) => Math.floor(next() * n),
    chance: (p) => next() < p,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

/** One input for a stage. */
export function randomInput(random, stage) {
  const region = () => (random.chance(0.25) ? null : random.pick(REGIONS));
  const workflowRegion = region();
  const requestRegion = random.chance(0.4) ? workflowRegion : region();
  const source = requestRegion === null ? 'none' : random.pick(SOURCES.slice(0, 2));
  const input = {
    schema: 'policy-input.v1',
    stage,
    at: random.pick(['2026-01-05T10:00:00Z', '2026-01-05T10:00:00.123Z', '2026-12-31T23:59:59.123456789Z']),
    workflow: {
      id: random.pick(['wf', 'ssn-export', 'passport_no']),
      version: '1.0.0',
      region: workflowRegion,
      labels: labels(random),
    },
    request: { region: requestRegion, regionSource: random.chance(0.15) ? random.pick(SOURCES) : source },
    actor: 'user:local',
    config: { requireRegion: random.chance(0.3) },
    inputs: stage === 'publish' ? null : object(random, 3),
    tasks: Array.from({ length: stage === 'task' ? 1 : 1 + random.below(4) }, (_, n) => ({
      id: random.chance(0.1) ? `SSN${n}` : `t${n}`,
      uses: 'pkg:http/get@1.0.0',
      class: random.pick(['small', 'medium', 'large']),
      with: object(random, 4),
      lateBound: random.chance(0.2),
    })),
  };
  if (stage === 'publish') input.workflow.inputs = object(random, 2);
  return random.chance(0.35) ? bend(random, input) : input;
}

function labels(random) {
  return Object.fromEntries(Array.from({ length: random.below(3) }, () => [random.pick(KEYS), 'x']));
}

function object(random, depth) {
  return Object.fromEntries(
    Array.from({ length: random.below(4) }, () => [
      random.chance(0.75) ? `k${random.below(50)}` : random.pick(KEYS),
      value(random, depth),
    ]),
  );
}

function value(random, depth) {
  if (depth > 0 && random.chance(0.4)) return object(random, depth - 1);
  if (depth > 0 && random.chance(0.3)) return Array.from({ length: random.below(3) }, () => value(random, depth - 1));
  return random.pick([null, true, false, 0, 1, -7, 1.5, 'x', 'ssn', 'SSN: 1', '"ssn":', 'passport_number', '\u2028<&>']);
}

// Removes, adds or mistypes one place on the way down.
function bend(random, root) {
  let at = root;
  for (;;) {
    const keys = Object.keys(at);
    if (keys.length === 0 || random.chance(0.05)) {
      if (!Array.isArray(at)) at.extra = 1;
      return root;
    }
    const key = random.pick(keys);
    if (typeof at[key] === 'object' && at[key] !== null && random.chance(0.6)) {
      at = at[key];
      continue;
    }
    if (random.chance(0.4) && !Array.isArray(at)) delete at[key];
    else at[key] = random.pick(WRONG);
    return root;
  }
}
