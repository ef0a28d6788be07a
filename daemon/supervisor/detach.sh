#!/bin/bash
# detach.sh CMD [ARG…]   starts CMD so that it may outlive the run it was started in, and returns at once
# Takes away what a run's end would find it by, or would wait for: token, mark, descriptors (device locks) and devices.
# stdout and stderr stay. Exit: 0 started, 2 no command, 127 no such command.

if (($# == 0)); then
  echo 'qwex detach: no command given; try: qwex detach -- CMD [ARG…]' >&2
  exit 2
fi
if ! type -P -- "$1" >/dev/null; then
  printf 'qwex detach: %s: command not found\n' "$1" >&2
  exit 127
fi
for fd in /proc/self/fd/*; do
  fd=${fd##*/}
  ((fd <= 2)) || exec {fd}>&-
done
ulimit -S -R hard 2>/dev/null # not before bash 5.1
unset QWEX_RUN_ID
export QWEX_GPUS='' CUDA_VISIBLE_DEVICES='' NVIDIA_VISIBLE_DEVICES=void HIP_VISIBLE_DEVICES='' ROCR_VISIBLE_DEVICES=''
exec setsid --fork "$@" </dev/null
