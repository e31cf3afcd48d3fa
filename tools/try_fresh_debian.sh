#!/usr/bin/env bash
# Tries the commands of the README on a machine where nothing is installed: a bare Debian in a folder.
#
#   tools/try_fresh_debian.sh SUITE FOLDER [COMMAND..]        SUITE: bookworm (12) or trixie (13)
#
# FOLDER takes the system (made by debootstrap when it is empty, else used as it is: its packages stay) and this tree's
# tracked files, as they are now. Each COMMAND, by default "make demo" and "make test", runs there as root, and prints how
# long it took. MIRROR names the archive to install from; by default the one that this machine's apt uses.
# Needs root, debootstrap and unshare; ends at the first command that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=${1:?"usage: tools/try_fresh_debian.sh SUITE FOLDER [COMMAND..]"}
root=${2:?"usage: tools/try_fresh_debian.sh SUITE FOLDER [COMMAND..]"}
commands=("${@:3}")
[ ${#commands[@]} -gt 0 ] || commands=("make demo" "make test")

fail() {
  echo "try_fresh_debian: $*" >&2
  exit 2
}
[ "$(id -u)" -eq 0 ] || fail "needs root: it makes a system of its own"
for tool in debootstrap unshare; do
  command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install debootstrap util-linux"
done

if [ ! -e "$root/etc/debian_version" ]; then
  mirror=${MIRROR:-$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' | awk '$1 == "Debian" { print $2; exit }')}
  [ -n "$mirror" ] || fail "apt has no Debian archive on this machine: name one with MIRROR=.."
  debootstrap --variant=minbase "$suite" "$root" "$mirror"
fi

# Mounts live in a namespace of their own and go with it.
inside() {
  unshare --mount --pid --fork --kill-child sh -euc '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    mount -t tmpfs tmpfs "$1/tmp"
    exec chroot "$1" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
      sh -euc "cd /espalier && $2"' sh "$root" "$1"
}

cp -L /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/espalier"
git ls-files -z | tar --null --no-recursion -T - -cf - | tar -xf - -C "$root/espalier"
inside "apt-get -qq update && apt-get -qq install -y --no-install-recommends make >/dev/null"  # to type `make`
for command in "${commands[@]}"; do
  echo "== $suite: $command"
  started=$SECONDS
  inside "$command" || fail "$suite: '$command' failed after $((SECONDS - started)) s"
  echo "== $suite: $command: took $((SECONDS - started)) s"
done
