#!/bin/bash
# launch.sh NODE [ARG …]: becomes a daemon for $QWEX_HOME that inherits nothing of who started it. Descriptor 3, if it
# is open, is the pipe on which the daemon says "ready"; every other one above 2 is closed, because a lock or a pipe of
# the caller would live on in the daemon. Run with `bash -p` and a small environment.
here=${BASH_SOURCE[0]%/*}
root=$(cd -- "$here/.." && pwd -P) || exit 70
for fd in /proc/self/fd/*; do
  fd=${fd##*/}
  ((fd <= 3)) || exec {fd}>&-
done
umask 077
cd / || exit 70
node=$1
shift
entry=$root/dist/daemon.mjs
[[ -e $entry ]] || entry=$root/daemon/main.ts
# Small in memory, and staying so: code compiled for size, one optimising compiler instead of two, a young generation of
# 1 MB, a heap that grows by little, few arenas of the allocator, and what is larger than 32 KB given back at once.
export MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=32768
exec "$node" --optimize-for-size --no-maglev --max-semi-space-size=1 --heap-growing-percent=10 --disable-warning=ExperimentalWarning "$entry" "$@"
