/** Values that the document shows as examples. */
export const SAMPLE_MANIFEST = {
  name: 'sample-workflow',
  version: '0.1.0',
  region: 'US',
  tasks: [{ id: 'fetch', uses: 'pkg:http/get@1.0.0', with: { url: 'https://example.com' } }],
} as const;

export const SAMPLE_DIGEST = `sha256:${'0a'.repeat(32)}`;
export const SAMPLE_EXECUTION_ID = '01920000-0000-7000-8000-000000000001';
