import { request } from 'node:http';
import type { BadInput, Surroundings } from './bad-input.ts';
import { filled } from './bad-input.ts';

export type Answered = { readonly status: number; readonly type: string; readonly text: string };

/** Sends a row as it stands: headers that HTTP clients set by themselves can be wrong here. */
export function sendRow(url: string, { rest }: BadInput, around: Surroundings): Promise<Answered> {
  const { hostname, port } = new URL(url);
  const { method = 'GET', headers = {}, body } = rest;
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: filled(rest.path, around), headers: { connection: 'close', ...headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text: Buffer.concat(chunks).toString('utf8') }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
