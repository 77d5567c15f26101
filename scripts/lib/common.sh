# Shared by the scripts: messages, root rights, downloads. To be sourced by bash.
# shellcheck shell=bash

REPO_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Our Python tools are started as modules of lib/: keep their bytecode out of the source tree.
export PYTHONDONTWRITEBYTECODE=1

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 3
}

# Runs a command as root: directly, or through sudo, which may ask for a password only on a terminal.
# Proxy settings of the environment go along, which sudo alone would drop.
as_root() {
  local setting environment=()
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
    return
  fi
  command -v sudo >/dev/null || die "'$*' needs root; become root, or install sudo"
  for setting in http_proxy https_proxy no_proxy; do
    [ -z "${!setting:-}" ] || environment+=("$setting=${!setting}")
  done
  if [ -t 0 ]; then
    sudo env "${environment[@]}" "$@"
  else
    sudo -n env "${environment[@]}" "$@"
  fi || die "'sudo $*' failed (see above); without a terminal sudo must not need a password"
}

# Where things that cost a download or an import are kept between invocations.
cache_dir() { printf '%s\n' "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stagebox-demo"; }

# The Debian release of this machine, for example "bookworm".
debian_codename() {
  # shellcheck source=/dev/null
  (. /etc/os-release && [ -n "${VERSION_CODENAME:-}" ] && echo "$VERSION_CODENAME") ||
    die "/etc/os-release names no VERSION_CODENAME; these scripts need Debian 12 or later"
}

# build_preset PRESET [TARGET...]: configures build/PRESET when that is needed, then builds.
build_preset() {
  local preset=$1 target
  shift
  if [ ! -f "$REPO_ROOT/build/$preset/build.ninja" ]; then
    (cd "$REPO_ROOT" && cmake --preset "$preset") || die "configuring the preset '$preset' failed (see above)"
  fi
  local arguments=()
  for target in "$@"; do arguments+=(--target "$target"); done
  (cd "$REPO_ROOT" && cmake --build --preset "$preset" "${arguments[@]}") ||
    die "building the preset '$preset' failed (see above)"
}

# This machine's way to its mirrors (proxies, repositories with old dates), as lines of an apt.conf.
apt_transport() {
  apt-config dump --no-empty --format '%f "%v";%n' Acquire |
    grep -E '^Acquire::(https?::|Check-Valid-Until |Check-Date |Retries )' || true
}
