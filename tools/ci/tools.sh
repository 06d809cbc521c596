#!/usr/bin/env bash
# Installs the outside tools of the gates: opa, cosign, nats-server and versitygw by Go, schemathesis and nats-py by pip, the
# AsyncAPI parser by npm, into a cache keyed by version; the rest by apt.
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
  # nobody debugs them: without C, symbols and DWARF they compile faster
  CGO_ENABLED=0 GOBIN="$build" go install -p=2 -buildvcs=false -ldflags='-s -w' -gcflags=all=-dwarf=false "$3@v$2"
  mkdir -p "$folder"
  mv "$build/$1" "$folder/$1"
  rm -rf "$build"
  build=
}

# python_tool <name> <version> <file of pinned requirements> [program]: a virtual environment, with a link to its program at the
# top; a library has none of its own and is used through python3.
# An environment cannot be moved, so the link, made last, is what says that it is whole.
python_tool() {
  local folder="$cache/$1-$2"
  if [[ -x $folder/$1 ]]; then
    echo "$1 $2: in the cache"
    return
  fi
  echo "$1 $2: installing …"
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --requirement "$3"
  ln -s "bin/${4:-$1}" "$folder/$1"
}

# npm_tool <name> <version> <folder with a lock file> <package>: what the lock names, without running its scripts; with a link to
# the package at the top, made last
npm_tool() {
  local folder="$cache/$1-$2"
  if [[ -e $folder/$1 ]]; then
    echo "$1 $2: in the cache"
    return
  fi
  echo "$1 $2: installing …"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$3/package.json" "$3/package-lock.json" "$folder"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel error
  ln -s "node_modules/$4" "$folder/$1"
}

# apt_tools <command>…: installs the Debian packages of that name for the commands that are missing
apt_tools() {
  local missing=() command
  for command in "$@"; do command -v "$command" >/dev/null || missing+=("$command"); done
  if ((${#missing[@]} > 0)); then apt_package "${missing[@]}"; fi
}

# apt_package <package>…
apt_package() {
  echo "apt: $*"
  local as=()
  if ((EUID != 0)); then as=(sudo); fi
  "${as[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

apt_tools strace jq shellcheck python3
python3 -c 'import ensurepip' 2>/dev/null || apt_package python3-venv
go_tool opa 1.21.3 github.com/open-policy-agent/opa
python_tool schemathesis 4.32.5 "$(dirname "$0")/../chaos/schemathesis/requirements.txt"
npm_tool asyncapi 3.6.3 "$(dirname "$0")/asyncapi" @asyncapi/parser
python_tool nats-py 2.16.0 "$(dirname "$0")/../../examples/python/requirements.txt" python3
go_tool cosign 3.1.2 github.com/sigstore/cosign/v3/cmd/cosign
go_tool nats-server 2.15.2 github.com/nats-io/nats-server/v2
go_tool versitygw 1.7.0 github.com/versity/versitygw/cmd/versitygw
# Debian starts a cluster of its own when it installs Postgres: the specs bring theirs
if ! command -v postgres >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
  mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt_package postgresql
fi
for command in strace jq shellcheck python3; do command -v "$command"; done
