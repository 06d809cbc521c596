#!/usr/bin/env bash
# Checks an exported receipt set with stock tools only: cosign (the signature, and that it is over these events) and jq.
# usage: tools/verify_receipt.sh <folder> [public key pem]    key: default is <folder>/key.pub, which proves little: anybody
# can sign with a key of their own. cosign is $COSIGN, or the one on the PATH.
# Exit code: 0 verified, 1 not, 64 usage. It does not replay the history: `verify` does (tools/verify).
set -euo pipefail

predicate=https://companyos/internal/maestro/receipt/v1
folder=${1:-}
if [[ -z $folder || ! -d $folder || $# -gt 2 ]]; then
  echo "usage: $0 <folder of a receipt set> [public key pem]" >&2
  exit 64
fi
key=${2:-$folder/key.pub}
cosign=${COSIGN:-cosign}
command -v "$cosign" >/dev/null || { echo "cosign is not installed; set COSIGN to its path" >&2; exit 64; }
command -v jq >/dev/null || { echo "jq is not installed" >&2; exit 64; }

# Offline: nothing is logged publicly, so there is no log entry to ask for.
"$cosign" verify-blob-attestation --bundle "$folder/receipt.sigstore.json" --key "$key" --type "$predicate" \
  --insecure-ignore-tlog "$folder/events.jsonl"

# cosign accepts any subject that matches, whatever its name; so each file is held against the subject of its name.
statement=$(jq -er '.dsseEnvelope.payload | @base64d' "$folder/receipt.sigstore.json")
for file in events.jsonl manifest.json receipt.json; do
  signed=$(jq -er --arg name "$file" '[.subject[] | select(.name == $name)] | if length == 1 then .[0].digest.sha256 else error("not exactly one") end' <<<"$statement")
  found=$(sha256sum <"$folder/$file" | cut -d' ' -f1)
  if [[ $signed != "$found" ]]; then
    echo "$file is not what was signed: $found, signed $signed" >&2
    exit 1
  fi
  echo "$file: as signed"
done
jq -r '.predicate | "run \(.executionId) of \(.workflow.id) \(.workflow.version): \(.verdict), \(.stream.count) events"' <<<"$statement"
[[ $# -eq 2 ]] || echo "note: judged by the key in the set itself; give the key that you got over another channel" >&2
