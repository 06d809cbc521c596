#!/usr/bin/env bash
# Lints every tracked shell script, known by its ending or by its first line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scripts=()
while IFS= read -r -d '' file; do
  case $file in
    *.sh | *.bash) scripts+=("$file") ;;
    *.* | *.*/*) [[ $file == .ci/* ]] && scripts+=("$file") ;;
    *) if [[ -f $file ]] && head -n 1 "$file" | grep -qE '^#!.*\b(sh|bash)\b'; then scripts+=("$file"); fi ;;
  esac
done < <(git ls-files -z)
shellcheck -- "${scripts[@]}"
echo "shellcheck: ${#scripts[@]} scripts"
