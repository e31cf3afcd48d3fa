#!/bin/sh
# Runs pytorch_encoder.py (or PEER=pytorch_experts.py) in one of two environments; the other arguments go to the script.
#   run_pytorch.sh as-installed [options]   Debian's python3-torch with the libraries the system gives it
#   run_pytorch.sh best [options]           openblas-openmp preloaded, its kernels chosen for this processor (old OpenBLAS
#                                           does not know new ones), and freed memory kept instead of returned to the kernel
# Environment of this one process only; set OPENBLAS_CORETYPE beforehand to override the choice ("auto": OpenBLAS's own).
set -eu
mode=${1:-}
[ $# -gt 0 ] && shift
here=$(dirname "$0")
case "$mode" in
as-installed) ;;
best)
  library=/usr/lib/$(uname -m)-linux-gnu/openblas-openmp/libopenblas.so.0
  if [ ! -e "$library" ]; then
    echo "run_pytorch.sh: $library is missing; try: apt-get install libopenblas0-openmp" >&2
    exit 1
  fi
  if [ -z "${OPENBLAS_CORETYPE:-}" ]; then
    if grep -qw avx512f /proc/cpuinfo && grep -qw avx512dq /proc/cpuinfo; then
      OPENBLAS_CORETYPE=SkylakeX
    elif grep -q AuthenticAMD /proc/cpuinfo; then
      OPENBLAS_CORETYPE=Zen
    else
      OPENBLAS_CORETYPE=Haswell
    fi
  fi
  if [ "$OPENBLAS_CORETYPE" = auto ]; then unset OPENBLAS_CORETYPE; else export OPENBLAS_CORETYPE; fi
  export LD_PRELOAD="$library"
  export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864
  ;;
*)
  echo "usage: run_pytorch.sh as-installed|best [pytorch_encoder.py options]" >&2
  exit 2
  ;;
esac
exec /usr/bin/python3 "$here/${PEER:-pytorch_encoder.py}" "$@"
