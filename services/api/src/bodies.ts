// JSON and YAML as requests and files of configuration hold them. An entry of its own: it needs nothing of the HTTP server, which is
// most of what the index loads.
export { parseBody } from './http/body-parser.ts';
export { positionsOf } from './http/source-positions.ts';
