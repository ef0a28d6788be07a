#!/bin/bash
# ending.sh, a part of supervise.sh: ends a run's processes, wherever they went, and remembers who had to be told.
# It must never signal a number without having just seen that it is still the run's.
# shellcheck disable=SC2034,SC2154 # shares its variables with the supervisor

# grep_processes FILE… -- OPTIONS…   sets `found` to every "PID/FILE" that `grep OPTIONS…` names of all /proc/PID/FILE…
grep_processes() { # a hung /proc entry can't hang us
  local line fd paths=()
  for ((; $#; )); do
    line=$1
    shift
    [[ $line != -- ]] || break
    paths+=(/proc/[0-9]*/"$line")
  done
  exec {fd}< <(close_fds; exec grep -ls "$@" "${paths[@]}")
  found=()
  while read -r -t 5 -u "$fd" line; do found+=("${line#/proc/}"); done
  exec {fd}<&-
}

# Is process $1, which has the mark of the run, on its way into another program, or out? It has no environment then, and
# a scan for the token alone would miss it. Others with the mark and without the token have been let go: a daemon, say.
is_between() {
  local REPLY
  [[ -O /proc/$1 ]] && start_time "$1" && ! IFS= read -r -d '' -n 1 _ <"/proc/$1/environ"
} 2>/dev/null

find_survivors() { # sets `group` and `escaped`; fails when nobody is left
  local found entry pid where=(environ) token="^QWEX_RUN_ID=$SUP_RUN_ID\$"
  group=() escaped=()
  if [[ $group_may_live ]] && kill -0 -- "-$job" 2>/dev/null; then # true for zombies too, so look at their state
    grep_processes stat -- -E "^[0-9]+ \(.*\) [^ZXx] [0-9]+ $job [0-9]+ "
    group=("${found[@]%/*}")
  else
    group_may_live= # once it is empty its number may become somebody else's
  fi
  if [[ ${SUP_LEASE-} ]]; then
    mark_number
    where+=(limits) token+="|Max realtime timeout +$REPLY "
  fi
  grep_processes "${where[@]}" -- -zE -- "$token"
  for entry in "${found[@]}"; do
    pid=${entry%/*}
    [[ $entry == */environ ]] || is_between "$pid" || continue
    [[ " ${group[*]} ${escaped[*]} " == *" $pid "* ]] || escaped+=("$pid")
  done
  ((${#group[@]} + ${#escaped[@]}))
}

remember() { # a survivor that nobody asked to be there: name and last signal, for the record
  local pid=$1
  [[ ${left_name[pid]-} ]] || { read -r "left_name[pid]" <"/proc/$pid/comm"; } 2>/dev/null
  left_signal[pid]=$2
}

# One ladder for the job's group and for what left it: TERM, grace, KILL, until a scan is clean.
end_all() {
  [[ ! $ending ]] || return
  ending=yes
  local group escaped pid signal=TERM sent='' delay=1 deadline told=()
  uptime_ms
  deadline=$((REPLY + SUP_GRACE_MS))
  while find_survivors; do
    uptime_ms
    ((REPLY < deadline)) || signal=KILL
    ((REPLY < deadline + 10000)) || { signal=alive; break; } # a process in the kernel's hands; let the record say so
    if ((${#group[@]})) && [[ $sent != TERM || $signal == KILL ]]; then
      kill "-$signal" -- "-$job"; kill -CONT -- "-$job"
    fi
    sent=$signal
    [[ $stop ]] || for pid in "${group[@]}"; do remember "$pid" "$signal"; done
    for pid in "${escaped[@]}"; do
      remember "$pid" "$signal"
      [[ ${told[pid]-} == "$signal" ]] || { kill "-$signal" "$pid"; kill -CONT "$pid"; }
      told[pid]=$signal
    done
    printf -v REPLY '0.%02d' "$delay"
    nap "$REPLY"
    ((delay = delay < 16 ? delay * 2 : 20))
  done 2>/dev/null
  [[ $signal != alive ]] || for pid in "${group[@]}" "${escaped[@]}"; do remember "$pid" alive; done
}

# The trap. While we `wait`, it ends the job itself: a flag alone, set between a check and the `wait` after it, would be
# seen too late. Elsewhere a flag is enough, and a nap in here would take away the time limit of the one interrupted.
on_stop() {
  local REPLY # somebody else's answer may be in it
  [[ ! -e $run/cancel || $1 == timeout ]] || set -- cancelled
  stop=${stop:-$1}
  [[ ! $going ]] || end_all
}
