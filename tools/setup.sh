#!/bin/sh
# Makes the Python environment of this clone, .venv, from uv.lock: what every command of `make` starts with.
# Takes what the machine has (Python 3.11 or newer, uv); what is missing comes from the package index, and from the
# distribution's packages where the machine is root's own Debian or Ubuntu. Says nothing when there is nothing to do.
set -eu
# What is fetched is run later: nobody else may change it.
umask go-w

project=$(cd "$(dirname "$0")/.." && pwd)
bin=$project/.slipway/bin
uv_version=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' "$project/tools/uv.txt")
needed=3.11

say() { printf '  %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

cache=${SLIPWAY_CACHE:-${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}/slipway}
case $cache in
  /slipway) die "HOME is not set; set it, or set SLIPWAY_CACHE to a folder for what Slipway fetches and builds" ;;
  /*) ;;
  *) die "the cache $cache is no whole path; set SLIPWAY_CACHE to one that begins with /" ;;
esac

is_new_enough() { "$1" -c "import sys; sys.exit(sys.version_info < (${needed%.*}, ${needed#*.}))" 2> /dev/null; }

# The name of a Python that is new enough.
find_python() {
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if is_new_enough "$python"; then
      echo "$python"
      return
    fi
  done
  return 1
}

root_on_debian() { [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; }

# apt in a folder of its own: the machine's lists, locks and packages stay as they are.
apt_apart() {
  mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial"
  "$@" -q -y -o Dir::State::lists="$cache/apt/lists" -o Dir::Cache="$cache/apt" -o Debug::NoLocking=true \
    -o APT::Sandbox::User=root -o APT::Update::Post-Invoke= $apt_words
}

# Debian's Python comes without pip; its packages hold one that runs as it is.
debian_pip() {
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || return 1
  folder=$cache/pip
  if ! ls "$folder"/usr/share/python-wheels/pip-*.whl > /dev/null 2>&1; then
    say "fetching pip from the distribution's packages, without installing it"
    apt_words=update apt_apart apt-get > "$cache/apt.log" 2>&1 || return 1
    (cd "$cache/apt" && apt_words="download python3-pip-whl" apt_apart apt-get) >> "$cache/apt.log" 2>&1 || return 1
    dpkg-deb --extract "$cache"/apt/python3-pip-whl_*.deb "$folder"
  fi
  set -- "$folder"/usr/share/python-wheels/pip-*.whl
  printf '%s/pip\n' "$1"
}

# uv, checked against the sums in tools/uv.txt.
fetch_uv() {
  python=$1 target=$cache/uv/$uv_version
  if [ ! -x "$target/bin/uv" ]; then
    say "fetching uv $uv_version"
    if "$python" -m pip --version > /dev/null 2>&1; then
      pip="-m pip"
    else
      pip=$(debian_pip) || die "no pip: install it for $python (Debian: apt-get install python3-pip), or install uv"
    fi
    rm -rf "$target.new"
    # shellcheck disable=SC2086 # "-m pip" is two words, and a path of the cache is one
    "$python" $pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --only-binary :all: --require-hashes \
      --target "$target.new" --requirement "$project/tools/uv.txt" ||
      die "uv $uv_version could not be fetched from the package index; install uv, or set PIP_INDEX_URL to an index that this network reaches"
    mkdir -p "${target%/*}"
    rm -rf "$target"
    mv "$target.new" "$target"
  fi
  echo "$target/bin/uv"
}

{ mkdir -p "$bin" && chmod 700 "$project/.slipway"; } 2> /dev/null && [ -w "$bin" ] ||
  die "$project/.slipway cannot be written to, where state and links are kept; mend its owner or its mode"
mkdir -p "$cache" 2> /dev/null && [ -w "$cache" ] ||
  die "$cache cannot be written to; set SLIPWAY_CACHE to a folder of yours"

if ! python=$(find_python); then
  root_on_debian || die "Python $needed or newer is not on PATH; install it (https://www.python.org/downloads), then run this again"
  say "installing Python from the distribution's packages"
  { apt-get -q update && apt-get -q -y install --no-install-recommends python3; } > "$cache/apt.log" 2>&1 ||
    die "Python could not be installed (all of it: $cache/apt.log)"
  python=$(find_python) || die "this distribution's Python is older than $needed; install a newer one, then run this again"
fi

if uv=$(command -v uv) && [ "$uv" != "$bin/uv" ] && "$uv" version --short > /dev/null 2>&1; then
  rm -f "$bin/uv"
else
  uv=$(fetch_uv "$python")
  ln -sf "$uv" "$bin/uv"
fi

# An environment that works is kept with its Python, whatever PATH says today.
if is_new_enough "$project/.venv/bin/python"; then
  python=$project/.venv/bin/python
else
  say "making the Python environment"
fi
# Another environment that is active in this shell is not the one that is meant.
unset VIRTUAL_ENV
"$uv" sync --quiet --project "$project" --python "$(command -v "$python")" --no-python-downloads --locked --inexact "$@" ||
  die "the Python environment could not be made; see above"
