import { allowedOriginsOf, judgeTarget } from './target-policy.ts';

const own = [{ origin: 'http://127.0.0.1:7070', pathPrefix: '/schemas/', methods: ['GET'] }];

describe('judgeTarget', () => {
  it('calls an origin that is not listed public: its address is checked at dial time', () => {
    expect(judgeTarget(new URL('https://example.com/x'), 'GET', own)).toBe('public');
    expect(judgeTarget(new URL('http://127.0.0.1:7071/schemas/x'), 'GET', own)).toBe('public');
    expect(judgeTarget(new URL('https://127.0.0.1:7070/schemas/x'), 'GET', own)).toBe('public');
  });

  it('opens a listed origin for its prefix and methods only', () => {
    expect(judgeTarget(new URL('http://127.0.0.1:7070/schemas/manifest.v1.json'), 'GET', own)).toBe('allowed');
    for (const [path, method] of [
      ['/api/executions', 'GET'],
      ['/schemas', 'GET'],
      ['/schemas/../api/executions', 'GET'],
      ['/schemas/%2e%2e/api/executions', 'GET'],
      ['/schemas/..%2fapi/executions', 'GET'],
      ['/schemas/..%5Capi', 'GET'],
      ['/schemas/%252e%2e%2fapi', 'GET'],
      ['/schemas/x', 'POST'],
    ] as const) {
      const judge = () => judgeTarget(new URL(`http://127.0.0.1:7070${path}`), method, own);
      expect(judge).toThrow(expect.objectContaining({ code: 'HTTP_TARGET_FORBIDDEN', retryable: false }));
    }
  });

  it('opens the whole origin when no prefix is given', () => {
    expect(judgeTarget(new URL('http://127.0.0.1:9/any%2fthing'), 'GET', [{ origin: 'http://127.0.0.1:9' }])).toBe('allowed');
  });

  it.each([
    'file:///etc/passwd',
    'ftp://example.com/',
    'data:text/plain,x',
    'https://user:pass@example.com/',
    'https://user@example.com/',
  ])('refuses %s, and does not repeat what the URL holds', (address) => {
    const judge = () => judgeTarget(new URL(address), 'GET', []);
    expect(judge).toThrow(expect.objectContaining({ code: 'HTTP_TARGET_FORBIDDEN' }));
    expect(judge).not.toThrow(/pass|passwd/);
  });
});

describe('allowedOriginsOf', () => {
  it('is empty by default', () => {
    expect(allowedOriginsOf({})).toEqual([]);
    expect(allowedOriginsOf({ http: {} })).toEqual([]);
  });

  it.each([
    [{ http: { allowOrigins: 'http://a' } }],
    [{ http: { allowOrigins: [{ origin: 'http://a/' }] } }],
    [{ http: { allowOrigins: [{ origin: 'a' }] } }],
    [{ http: { allowOrigins: [{ origin: 'http://a', pathPrefix: 'x' }] } }],
    [{ http: { allowOrigins: [{ origin: 'http://a', methods: 'GET' }] } }],
    [{ http: { allowOrigins: [null] } }],
  ])('refuses malformed settings %j rather than opening too much', (settings) => {
    expect(() => allowedOriginsOf(settings)).toThrow(expect.objectContaining({ code: 'HTTP_SETTINGS_INVALID' }));
  });
});
