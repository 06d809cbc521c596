import { basename } from 'node:path';
import type { Answer, Answers } from './answers.ts';
import type { Flip } from './choose-flips.ts';

/**
 * `same`: whatever can be read answers as before. `detected`: something is refused, and everything else answers as
 * before. `served`: an answer is another one and no fault, which must never be. `uncoded`: an error without a code.
 * `unnamed`: a fault that does not say where.
 */
export type Verdict = { readonly kind: 'same' | 'detected' | 'served' | 'uncoded' | 'unnamed'; readonly question: string | null; readonly detail: string };

/** A stream with a revision, a position, a file, or what a file is told apart by. */
const NAMES_PLACE = /revision \d+ of|stream \S+|position \d+|events? \d+ (is|to)|at offset \d+|of event [0-9a-f-]{36}|\w+\.(db|pem|pub|json|wasm|pack|keys)\b|events\.db-mark/;

/** What a flip came to. The worst that was seen decides. */
export function judge(sound: Answers, found: Answers, flip: Pick<Flip, 'path'>): Verdict {
  let verdict: Verdict = { kind: 'same', question: null, detail: '' };
  for (const [question, was] of Object.entries(sound)) {
    const is = found[question];
    const next = is === undefined ? notAsked(sound, found) : compare(was, is, flip);
    if (RANK[next.kind] > RANK[verdict.kind]) verdict = { ...next, question };
  }
  return verdict;
}

const RANK = { same: 0, detected: 1, unnamed: 2, uncoded: 3, served: 4 } as const;

/** A folder that does not open answers one question, and that is a fault. */
function notAsked(sound: Answers, found: Answers): Verdict {
  const refused = Object.entries(found).some(([question, answer]) => 'message' in answer && !('message' in (sound[question] ?? {})));
  return { kind: refused ? 'detected' : 'served', question: null, detail: refused ? '' : 'was not answered' };
}

function compare(was: Answer, is: Answer, { path }: Pick<Flip, 'path'>): Verdict {
  if ('message' in is) {
    if ('message' in was && was.code === is.code) return { kind: 'same', question: null, detail: '' };
    if (is.code === null) return { kind: 'uncoded', question: null, detail: is.message };
    const isNamed = NAMES_PLACE.test(is.message) || is.message.includes(basename(path));
    return { kind: isNamed ? 'detected' : 'unnamed', question: null, detail: is.message };
  }
  if ('value' in was && was.value === is.value) return { kind: 'same', question: null, detail: '' };
  return { kind: 'served', question: null, detail: 'another answer than before' };
}
