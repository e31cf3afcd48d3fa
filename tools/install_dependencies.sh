#!/usr/bin/env bash
# Installs the Debian packages that are missing, and nothing else. Quick when all are present.
#
#   tools/install_dependencies.sh [static] [full] [examples] [test] [engines] [wheel] [bench] [tidy] [fuzz]
#
# `static` when no group is named. Made for Debian 12 and 13. Needs root or sudo only when something is missing.
set -euo pipefail

tools=(g++ make cmake ninja-build git pkg-config python3)
libraries=(libfmt-dev nlohmann-json3-dev libcli11-dev libutf8proc-dev libpcre2-dev zlib1g-dev libzstd-dev
  libjpeg62-turbo-dev libpng-dev nettle-dev libtomlplusplus-dev)

packages_of() {
  case "$1" in
    static)
      echo "${tools[@]}" "${libraries[@]}" ;;
    full)
      # What trains, and the free dictionary that the demo trains on. pip's torch will do in place of Debian's.
      echo "${tools[@]}" "${libraries[@]}" libdnnl-dev wordnet-base
      [ -n "${ESPALIER_TORCH_PREFIX:-}" ] || echo libtorch-dev ;;
    examples)
      echo dict-gcide ;;  # the dictionary that examples/corpus reads
    test)
      # chromium opens the report page; qemu runs the static program on an old processor.
      echo libgtest-dev libgmock-dev clang-format chromium qemu-user ;;
    wheel)
      echo python3-venv ;;  # where the wheel is tried
    engines)
      # Python's environment of referees, and the JavaScript one.
      echo python3-venv
      command -v npm >/dev/null || echo nodejs npm ;;
    bench)
      # libopenblas0-openmp is left out on purpose: installing it changes the machine's default BLAS.
      echo libbenchmark-dev python3-torch ;;
    tidy)
      echo clang-tidy-16 ;;
    fuzz)
      echo clang-16 libclang-rt-16-dev ;;
    *)
      echo "install_dependencies: unknown group '$1' (groups: static full examples test engines wheel bench tidy fuzz)" >&2
      return 2 ;;
  esac
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install_dependencies: this script knows Debian only; install the packages it lists by hand:" >&2
  for group in "${@:-static}"; do packages_of "$group" >&2; done
  exit 2
fi

missing=()
for group in "${@:-static}"; do
  packages=$(packages_of "$group")
  for package in $packages; do
    [[ " ${missing[*]} " == *" $package "* ]] || is_installed "$package" || missing+=("$package")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

. /etc/os-release
if [ "${ID:-}" != debian ] || { [ "${VERSION_ID:-}" != 12 ] && [ "${VERSION_ID:-}" != 13 ]; }; then
  echo "install_dependencies: made for Debian 12 and 13, this is ${PRETTY_NAME:-unknown}; trying its packages" >&2
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_dependencies: missing: ${missing[*]}" >&2
    echo "hint: run as root, or install sudo: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 2
  fi
  as_root=(sudo)
fi

echo "Installing ${#missing[@]} missing packages: ${missing[*]}" >&2
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq)
install=("${apt[@]}" install -y --no-install-recommends "${missing[@]}")
# The package lists of a machine that installed something lately are good enough; else fetch them.
if ! "${install[@]}" >&2; then
  "${apt[@]}" update >&2
  "${install[@]}" >&2
fi
