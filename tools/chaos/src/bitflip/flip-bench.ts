import { chmodSync, constants, copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Answers } from './answers.ts';
import type { Flip } from './choose-flips.ts';
import { FILE_KINDS, PROBE_FILES } from './file-kinds.ts';
import type { FileKind, Place } from './file-kinds.ts';
import { judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import { probe } from './probes.ts';
import type { ReadPlan } from './read-plan.ts';

export type Sources = { readonly folders: { readonly [place in Place]: string }; readonly plan: ReadPlan };

/** Copies of the sound folders, in which one bit at a time is another one. */
export class FlipBench {
  readonly #sources: Sources;
  readonly #work: string;
  readonly #sound = new Map<string, Answers>();

  /** `work`: an empty folder of its own. */
  constructor(sources: Sources, work: string) {
    this.#sources = sources;
    this.#work = work;
    for (const [place, folder] of Object.entries(sources.folders)) cpSync(folder, join(work, place), { recursive: true });
  }

  /** Flips the bit in a fresh copy, asks everything that the file may answer, and compares. */
  async flip(flip: Flip): Promise<Verdict> {
    const kind = FILE_KINDS.find(({ name }) => name === flip.kind);
    if (kind === undefined) throw new Error(`there is no kind of file ${flip.kind}`);
    const sound = await this.#soundAnswers(kind);
    this.#putBack(kind);
    const path = join(this.#work, kind.place, flip.path);
    const bytes = readFileSync(path);
    bytes[flip.offset] = (bytes[flip.offset] ?? 0) ^ (1 << flip.bit);
    chmodSync(path, 0o600);
    writeFileSync(path, bytes);
    return judge(sound, await this.#ask(kind), flip);
  }

  /** Asked once for each probe and place. All must be answered but values of which an event keeps a commitment alone. */
  async #soundAnswers(kind: FileKind): Promise<Answers> {
    const name = `${kind.place}/${kind.probe}`;
    const known = this.#sound.get(name);
    if (known !== undefined) return known;
    this.#putBack(kind);
    const answers = await this.#ask(kind);
    const refused = Object.entries(answers).find(([question, answer]) => 'message' in answer && !(question.startsWith('value ') && answer.code === 'SEAL_DAMAGED'));
    if (refused !== undefined) throw new Error(`the sound folder does not answer: ${JSON.stringify(refused)}`);
    this.#sound.set(name, answers);
    return answers;
  }

  #ask({ place, probe: name }: FileKind): Promise<Answers> {
    return probe(name, join(this.#work, place), this.#sources.plan);
  }

  /** Whatever the last probe has written or made goes; the files come again from the sound folder. */
  #putBack({ place, probe: name }: FileKind): void {
    const [from, to] = [this.#sources.folders[place], join(this.#work, place)];
    for (const path of below(to)) if (PROBE_FILES[name](path)) rmSync(join(to, path), { force: true });
    for (const path of below(from)) {
      if (!PROBE_FILES[name](path)) continue;
      mkdirSync(dirname(join(to, path)), { recursive: true });
      copyFileSync(join(from, path), join(to, path), constants.COPYFILE_FICLONE);
    }
  }
}

function below(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
