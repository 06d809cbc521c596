import { hash } from 'node:crypto';

/** What a reader was told: a digest of a value, or that it cannot be had. `code` null: an error that nobody foresaw. */
export type Answer = { readonly value: string } | { readonly code: string | null; readonly message: string };

/** Question → answer, of everything that can be read of one folder. The questions depend on the sound folder alone. */
export type Answers = { readonly [question: string]: Answer };

/** Collects answers. A question that fails is answered by its fault; the others are asked all the same. */
export class Questions {
  readonly answers: Record<string, Answer> = {};

  /** Answers the value itself; undefined where there was a fault. */
  async ask<T>(question: string, read: () => T | Promise<T>): Promise<T | undefined> {
    try {
      const value = await read();
      this.answers[question] = { value: hash('sha256', textOf(value)) };
      return value;
    } catch (error) {
      const { name, code, message } = error as { readonly name?: unknown; readonly code?: unknown; readonly message?: unknown };
      this.answers[question] = { code: name === 'Fault' && typeof code === 'string' ? code : null, message: String(message ?? error) };
      return undefined;
    }
  }
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return `${member}n`;
    if (member instanceof Map) return [...member];
    return member instanceof Uint8Array ? Buffer.from(member).toString('base64') : member;
  });
  return text ?? 'undefined';
}
