#!/bin/bash
# job.sh SHARED TAG KIND MS: what the runs of the box's chaos test do. For each device it makes a mark with O_EXCL in
# a sticky folder that all accounts write to: a mutual exclusion that qwex knows nothing of. A mark that a killed run
# has left counts as free only when every process that it names, and the whole session of the first, is dead; otherwise
# two runs have one device, and the ledger is told. Begin, end and findings go into the ledger, one write each.
# The first act of all is to note the time.
now=$EPOCHREALTIME
shared=$1 tag=$2 kind=$3 ms=$4
IFS=, read -ra gpus <<<"$QWEX_GPUS"
marks=()

note() { printf '%s %s %s %s %s %s %s\n' "${2-$EPOCHREALTIME}" "$1" "$QWEX_RUN_ID" "$tag" "$UID" "$$" "$QWEX_GPUS" >>"$shared/ledger"; }
nap_ms() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

facts() { # of process $1: sets `state`, `session`, `started`; fails when there is none
  local stat field
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -r -a field <<<"${stat##*) }"
  state=${field[0]} session=${field[3]} started=${field[19]}
}

lives() { facts "$1" && [[ $state != [ZX] && $started == "$2" ]]; }

session_lives() { # is anyone left in session $1 whose owner is that of the mark $2, as far as we can tell owners apart?
  local path
  facts "$1" && ((started > $3)) && return 1 # its number was given away again, to a session younger than $3
  for path in /proc/[0-9]*; do
    facts "${path#/proc/}" || continue
    [[ $state != [ZX] && $session == "$1" ]] || continue
    if [[ -O $2 ]]; then [[ -O $path ]] && return 0; else [[ -O $path ]] || return 0; fi
  done
  return 1
}

is_stale() { # may the mark $1 be passed over? Its lines: pid, start time, session
  local pid start its_session first_start tries=0 lines=()
  until [[ -s $1 ]]; do # between two system calls of its maker, who has no children yet
    [[ -e $1 ]] || return 0
    ((++tries < 50)) || return 0
    nap_ms 20
  done
  mapfile -t lines <"$1" 2>/dev/null || return 0
  for line in "${lines[@]}"; do
    read -r pid start its_session <<<"$line"
    lives "$pid" "$start" && return 1
  done
  read -r _ first_start its_session <<<"${lines[0]}"
  ! session_lives "$its_session" "$1" "$first_start"
}

take() {
  local mark known number=0
  for mark in "$shared/marks/$1".*; do
    [[ -e $mark ]] || continue
    # Dead once is dead for ever: its numbers may be somebody else's when they are asked about again.
    known=$shared/stale/${mark##*/}
    [[ -e $known ]] || if is_stale "$mark"; then : >"$known"; else note "double:$1"; fi
    mark=${mark##*.}
    ((mark <= number)) || number=$mark
  done
  mark=$shared/marks/$1.$((number + 1))
  facts $$
  if (set -C; printf '%s %s %s\n' "$$" "$started" "$session" >"$mark") 2>/dev/null
  then marks+=("$mark")
  else note "double:$1"
  fi
}

register() { # another process of this run, in every mark
  local mark
  facts "$1" || return 0
  for mark in "${marks[@]}"; do printf '%s %s %s\n' "$1" "$started" "$session" >>"$mark"; done
}

close_all() { # of what this process has inherited: the locks and the lifeline of the lease among them
  local fd
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    ((fd <= 2)) || exec {fd}>&-
  done
  exec </dev/null >/dev/null 2>&1
}

finish() {
  note end
  rm -f "${marks[@]}"
  exit 0
}

note begin "$now"
for gpu in "${gpus[@]}"; do take "$gpu"; done
case $kind in
  plain) nap_ms "$ms" ;;
  closer)
    close_all
    nap_ms "$ms" ;;
  forker)
    for _ in 1 2; do
      (close_all; nap_ms "$ms") &
      register $!
    done
    wait ;;
  stray) # a session of its own, deaf, without any descriptor: on its way out it is still on the device
    # shellcheck disable=SC2016 # it is the other shell's to expand
    setsid bash -c 'trap "" TERM HUP; for fd in /proc/self/fd/*; do fd=${fd##*/}; ((fd <= 2)) || exec {fd}>&-; done; sleep "$0"' \
      "$((ms / 500 + 1))" </dev/null >/dev/null 2>&1 &
    register $!
    nap_ms "$ms" ;;
esac
finish
