#!/usr/bin/env bash
# Makes or updates the Python environment: environment.sh PYTHON VENV LOCK
set -euo pipefail
python=$1 venv=$2 lock=$3

stop() {
  printf '%s\n' "$@" >&2
  exit 1
}

if [ ! -x "$venv/bin/python" ]; then
  if ! command -v "$python" >/dev/null; then
    python=python3
  fi
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none)
  if [ "$version" != 3.11 ]; then
    stop "This needs Python 3.11; '$1' was not found and python3 is $version." \
      "Install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.11 ..."
  fi
  rm -rf "$venv"
  "$python" -m venv "$venv" || stop "Python cannot make virtual environments here; on Debian and Ubuntu: apt-get install python3.11-venv"
fi

echo "Installing $(grep -c '==' "$lock") Python packages into $venv (a few minutes the first time) ..."
# twice quiet: errors are shown, warnings about a machine's own package sources are not
pip=("$venv/bin/python" -m pip --disable-pip-version-check install -qq)
# torch first and alone: nothing that is resolved later may choose another build of it
"${pip[@]}" "$(grep '^torch==' "$lock")" || stop "torch could not be installed; pip's message is above."
"${pip[@]}" -r "$lock" || stop "The packages could not be installed; pip's message is above. Run make again to go on."
