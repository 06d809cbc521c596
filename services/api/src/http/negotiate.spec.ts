import { negotiate } from './negotiate.ts';

const OFFERED = ['application/json', 'application/x-ndjson', 'text/event-stream'] as const;
const chosen = (accept?: string): string => negotiate({ headers: accept === undefined ? {} : { accept } }, OFFERED);

describe('the media type of an answer', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/*', 'text/event-stream'],
    ['text/event-stream', 'text/event-stream'],
    ['Text/Event-Stream; charset=utf-8', 'text/event-stream'],
    ['*/*, text/event-stream', 'text/event-stream'],
    ['application/*, application/x-ndjson', 'application/x-ndjson'],
    ['application/json;q=0.5, application/x-ndjson;q=0.8', 'application/x-ndjson'],
    ['application/json;q=0, */*', 'application/x-ndjson'],
    ['image/png, */*;q=0.1', 'application/json'],
    ['application/json;q=9', 'application/json'],
    [`${'a/b,'.repeat(31)}text/event-stream`, 'text/event-stream'],
  ])('for Accept %j is %s', (accept, type) => {
    expect(chosen(accept)).toBe(type);
  });

  it.each(['image/png', 'application/json;q=0', '*/*;q=0', 'json', `${'a/b,'.repeat(32)}text/event-stream`])('is none for %j', (accept) => {
    expect(() => chosen(accept)).toThrow('NOT_ACCEPTABLE');
  });
});
