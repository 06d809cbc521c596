import { validateStatementV1 } from '@maestro/contracts';
import type { ReceiptV1 } from '@maestro/contracts';
import type { JsonObject } from '@maestro/domain';
import { RECEIPT_FILES, RECEIPT_PREDICATE_TYPE, STATEMENT_TYPE } from '../assemble/statement.ts';
import { isObject } from '../keys/dsse.ts';
import { readCanonicalJson } from './canonical-json.ts';
import { schemaProblem } from './schema-problem.ts';

/** What the bundle says. `receipt` undefined: a sound statement about something other than a receipt. */
export type OpenedStatement = {
  readonly predicateType: string;
  readonly receipt: ReceiptV1 | undefined;
  readonly bytes: Uint8Array;
};

const FIXED_SUBJECTS = [RECEIPT_FILES.events, RECEIPT_FILES.manifest, RECEIPT_FILES.receipt];

/** Reads the payload of a bundle; a string says what is wrong. */
export function openStatement(bytes: Uint8Array): OpenedStatement | string {
  const read = readCanonicalJson(bytes);
  if ('problem' in read) return `the signed statement: ${read.problem}`;
  const statement = read.value;
  if (!isObject(statement) || statement['_type'] !== STATEMENT_TYPE) return 'the payload is not an in-toto Statement v1';
  const { predicateType } = statement;
  if (typeof predicateType !== 'string') return 'the statement names no predicate type';
  if (predicateType !== RECEIPT_PREDICATE_TYPE) return { predicateType, receipt: undefined, bytes };
  return openReceipt(statement, bytes);
}

function openReceipt(statement: JsonObject, bytes: Uint8Array): OpenedStatement | string {
  if (!validateStatementV1(statement)) return `the statement does not fit its schema: ${schemaProblem(validateStatementV1)}`;
  const names = statement.subject.slice(0, FIXED_SUBJECTS.length).map(({ name }) => name);
  if (names.some((name, index) => name !== FIXED_SUBJECTS[index])) return `the statement's first subjects are not ${FIXED_SUBJECTS.join(', ')}`;
  return { predicateType: statement.predicateType, receipt: statement.predicate, bytes };
}
