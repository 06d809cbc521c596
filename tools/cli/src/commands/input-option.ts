import { InvalidArgumentError, Option } from 'commander';
import { parseInput } from '../parse-input.ts';

/** Inputs of a run in the order given; no name twice. */
export type Inputs = readonly (readonly [name: string, value: unknown])[];

/** `-i name=text`, repeatable. */
export function inputOption(): Option {
  return new Option('-i, --input <name=text>', 'an input of the run; name:=json for other values than text; repeatable')
    .default([], 'none')
    .argParser(addInput);
}

function addInput(text: string, before: unknown): Inputs {
  const inputs = before as Inputs;
  const parsed = parseInput(text);
  if (typeof parsed === 'string') throw new InvalidArgumentError(parsed);
  if (inputs.some(([name]) => name === parsed[0])) throw new InvalidArgumentError(`${parsed[0]} is given twice`);
  return [...inputs, parsed];
}
