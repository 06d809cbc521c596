import { openSSHFingerprint } from './ssh-fingerprint.ts';

// Made with openssl; the fingerprint is what `ssh-keygen -l` printed for it.
const SPKI =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGbd+xvcPTYtZB3fc60zS6emZu0+y2bu+snxo9c+1BdpL8TqHf3v6ZQbkY7J2YcTlhF+tQIM71hnmDFOcSUULSw==';
const COMPRESSED = 'MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAD3nK/1aVVY7+Je2eMPl140R20Ioq8dHgJMzJ9URS5p0c=';
const P384 =
  'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEUaZEwEQPM0uXyNw89oeYj4hrnmrLBDb/llGFmSMTHYzqTUrnxrIQ+TLW9jXdq7N2C974FgeZ7K3jkZ2f620ktXl71OZnaHWZsUjFyA61W9dFllEIvNMEtRrOrlNfU4RU';

function altered(at: number): string {
  const der = Buffer.from(SPKI, 'base64');
  der[at] = (der[at] ?? 0) ^ 1;
  return der.toString('base64');
}

describe('openSSHFingerprint', () => {
  it('agrees with ssh-keygen', () => {
    expect(openSSHFingerprint(SPKI)).toBe('SHA256:4k/QkrWCqOetWhwu2gdogeNyep/2scHO6x6/anrQJ6c');
  });

  it('differs for any other point', () => {
    expect(openSSHFingerprint(altered(90))).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(openSSHFingerprint(altered(90))).not.toBe(openSSHFingerprint(SPKI));
  });

  it.each([
    ['a compressed point', COMPRESSED],
    ['another curve', P384],
    ['another algorithm', altered(10)],
    ['an unknown form of the point', altered(26)],
    ['base64 in another spelling', SPKI.replace(/==$/, '')],
    ['nothing', ''],
  ])('answers nothing for %s', (_what, spki) => {
    expect(openSSHFingerprint(spki)).toBeUndefined();
  });
});
