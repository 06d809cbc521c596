#!/usr/bin/env bash
# Installs the outside tools of the gates: opa and cosign by Go into a cache keyed by version, the rest by apt.
# Safe to run twice at once: the second waits. A tool that cannot be had is an error.
set -euo pipefail
cache=${MAESTRO_TOOL_CACHE:-$HOME/.cache/maestro/tools}
lock="$cache/.lock"
mkdir -p "$cache"

until mkdir "$lock" 2>/dev/null; do
  owner=$(cat "$lock/pid" 2>/dev/null || true)
  if [[ -n $owner ]] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$lock"; else sleep 1; fi
done
build=
cleanup() { rm -rf "$lock" ${build:+"$build"}; }
trap cleanup EXIT
trap 'exit 143' TERM INT HUP
echo $$ >"$lock/pid"

# go_tool <name> <version> <module path>: the binary appears in the cache whole or not at all
go_tool() {
  local folder="$cache/$1-$2"
  if [[ -x $folder/$1 ]]; then
    echo "$1 $2: in the cache"
    return
  fi
  command -v go >/dev/null || { echo "go is missing: it compiles $1" >&2; return 1; }
  echo "$1 $2: compiling …"
  build=$(mktemp -d "$cache/.build-XXXXXX")
  GOBIN="$build" GOFLAGS="-p=2 -buildvcs=false" go install "$3@v$2"
  mkdir -p "$folder"
  mv "$build/$1" "$folder/$1"
  rm -rf "$build"
  build=
}

# apt_tools <command>…: installs the Debian packages of that name for the commands that are missing
apt_tools() {
  local missing=() command
  for command in "$@"; do command -v "$command" >/dev/null || missing+=("$command"); done
  if ((${#missing[@]} == 0)); then return; fi
  echo "apt: ${missing[*]}"
  local as=()
  if ((EUID != 0)); then as=(sudo); fi
  "${as[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

apt_tools strace jq shellcheck python3
go_tool opa 1.21.3 github.com/open-policy-agent/opa
go_tool cosign 3.1.2 github.com/sigstore/cosign/v3/cmd/cosign
for command in strace jq shellcheck python3; do command -v "$command"; done
