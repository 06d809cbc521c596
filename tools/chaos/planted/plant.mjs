// The edits of one old fault, from MAESTRO_PLANT: JSON, a list of { file, find, put } with paths below the repository.
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** `apply(path, source)` → the source with its edits. Throws where an edit does not fit exactly once: it has to be brought up to date. */
export function readPlant(text = process.env.MAESTRO_PLANT ?? '[]') {
  const edits = JSON.parse(text);
  return {
    apply(path, source) {
      let edited = source;
      for (const { file, find, put } of edits) {
        if (path !== `${root}${file}`) continue;
        const parts = edited.split(find);
        if (parts.length !== 2) throw new Error(`the plant does not fit ${file}: ${JSON.stringify(find)} stands in it ${parts.length - 1} times`);
        edited = parts.join(put);
      }
      return edited;
    },
  };
}
