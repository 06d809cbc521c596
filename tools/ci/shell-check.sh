#!/usr/bin/env bash
# Lints every tracked shell script, known by its first line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
shebang='^#! */(usr/)?bin/(env +)?(ba|da)?sh'
scripts=()
while IFS= read -r -d '' file; do
  read -r first <"$file" || true
  if [[ $first =~ $shebang ]]; then scripts+=("$file"); fi
done < <(git grep -lzE "$shebang")
shellcheck -- "${scripts[@]}"
echo "shellcheck: ${#scripts[@]} scripts"
