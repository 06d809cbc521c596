/** A file that `init` writes. */
export type Template = { readonly path: string; readonly text: string };

/** What a project begins with; `name` fits the pattern of workflow names. */
export function templatesOf(name: string): readonly Template[] {
  return [
    { path: 'workflow.yaml', text: manifestOf(name) },
    { path: 'maestro.yaml', text: CONFIG },
    { path: '.github/workflows/maestro.yml', text: CI_WORKFLOW },
  ];
}

/** Holds keys and events: never to be committed. */
export const DATA_FOLDER_IGNORED = '.maestro/';

function manifestOf(name: string): string {
  return `# A workflow: tasks, what each of them needs, and what it is given.
# Plan:  ./maestro plan -m workflow.yaml     what would run, what policy says, what it may cost; offline
# Run:   ./maestro run -m workflow.yaml --input who=Ada
name: ${name}
# a published version never changes: raise it with every change
version: 0.1.0
# where the run has to stay; policy checks it
region: US

# defaults; --input replaces them
inputs:
  who: world

tasks:
  - id: greet
    uses: pkg:core/echo@1.0.0
    with:
      value: Hello, \${{ inputs.who }}!

  # begins when greet has succeeded, and takes what it gave
  - id: report
    needs: [greet]
    uses: pkg:core/echo@1.0.0
    retries: 2
    timeoutSeconds: 60
    with:
      value:
        run: \${{ run.id }}
        greeting: \${{ tasks.greet.outputs.value }}

  # - id: fetch
  #   uses: pkg:http/get@1.0.0
  #   with: { url: https://example.com }
`;
}

const CONFIG = `# How a conductor that is started in this folder behaves. Flags and MAESTRO_… variables win over this file.
# ./maestro doctor tells every setting, its value and where it came from.

# events, keys and evidence; private, never to be committed
# data: .maestro

# the only folder that tasks may read and write
# workspace: .

# region that runs are asked to stay in where neither the manifest nor the request says one
# region: US

# refuse runs for which no region is stated
# requireRegion: true

# exact origins that pkg:http may reach beside public addresses
# allowOrigin:
#   - http://127.0.0.1:8000
`;

const CI_WORKFLOW = `# Plans the workflow with every change, runs it, and keeps the receipt.
# The repository variable MAESTRO_REPOSITORY names where Maestro Conductor is, as owner/name; MAESTRO_REF the release.
name: maestro
on:
  pull_request:
  push:
    branches: [main]

permissions:
  contents: read

jobs:
  workflow:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/checkout@v4
        with:
          repository: \${{ vars.MAESTRO_REPOSITORY }}
          ref: \${{ vars.MAESTRO_REF || 'main' }}
          path: .maestro-conductor
      - uses: actions/setup-node@v4
        with:
          node-version: '24'
      - name: Plan (schema, semantics, policy, cost)
        run: .maestro-conductor/maestro plan -m workflow.yaml
      - name: Run, and verify the receipt
        run: .maestro-conductor/maestro run -m workflow.yaml --out receipt
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: receipt
          path: receipt
`;
