// Gate: requests generated from the whole OpenAPI document, against a real conductor, with every check of the generator.
//   main.ts [seed] [cases per operation and phase]      needs SCHEMATHESIS, the path of the program (tools/ci/tools.sh)
// Green: no failure of any check, no answer of 500 or more, no bug in the log, and the conductor is ready afterwards.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConductorProcess, freePort } from '../conductor-process.ts';
import { RestClient } from '../rest-client.ts';
import { seededRandom } from '../seeded-random.ts';
import { runGenerator } from './run-generator.ts';
import { seedServer } from './seeded-server.ts';

const TIME_MAX_MS = 240_000;
const SHOWN_LENGTH = 12_000;

const [seed = 1, examplesMax = 25] = process.argv.slice(2).map(Number);
const program = process.env['SCHEMATHESIS'];
if (program === undefined) throw new Error('SCHEMATHESIS must name the program: tools/ci/tools.sh installs it, ./maestro ci sets it');

const folder = await mkdtemp(join(tmpdir(), 'maestro-generated-'));
const conductor = await ConductorProcess.start({ dataDir: join(folder, 'data'), port: await freePort(seededRandom(`generated/${Date.now()}`)) });
try {
  const seeded = await seedServer(conductor.url);
  const { code, output } = await runGenerator({ program, url: conductor.url, seeded, seed, examplesMax, timeMaxMs: TIME_MAX_MS, folder });
  const at = output.indexOf('= FAILURES =');
  const summaryAt = output.indexOf('= SUMMARY =');
  if (at >= 0) console.log(output.slice(at, summaryAt).slice(0, SHOWN_LENGTH));
  console.log(output.slice(summaryAt).trimEnd());
  const faults = [...(code === 0 ? [] : [`the generator ended with ${code ?? 'its time limit'}`]), ...(await afterwards(conductor))];
  for (const fault of faults) console.log(`FAULT ${fault}`);
  console.log(faults.length === 0 ? 'no failed check, no answer of 500 or more, conductor ready' : `${faults.length} faults; again: main.ts ${seed} ${examplesMax}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await conductor.stop();
  await rm(folder, { recursive: true, force: true });
}

/** What the conductor says of itself when it is over. */
async function afterwards({ url, said }: ConductorProcess): Promise<readonly string[]> {
  const client = new RestClient(url);
  try {
    const ready = await client.get('/readyz');
    const metrics = String((await client.get('/metrics')).body);
    const failures = Number(/^http_5xx_total (\d+)$/m.exec(metrics)?.[1] ?? NaN);
    return [
      ...(ready.status === 200 ? [] : [`/readyz answers ${ready.status}: ${String(ready.body)}`]),
      ...(failures === 0 ? [] : [`http_5xx_total is ${failures}`]),
      ...(said().includes('"BUG"') ? [`its log tells of a bug: ${said().slice(0, 1_000)}`] : []),
    ];
  } finally {
    await client.close();
  }
}
