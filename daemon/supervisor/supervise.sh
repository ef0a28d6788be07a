#!/bin/bash
# supervise.sh RUN_DIR           starts a run's script once, watches it, writes down what happened
# supervise.sh --adopt RUN_DIR   takes over a run whose supervisor died, until it is over
#
# Runs as `/bin/bash -p` in a clean environment, its settings in SUP_*; only the job gets the submitter's environment.
# It must never run the script twice, let a helper or the job hold its lock, put an environment value into an argv,
# or have QWEX_RUN_ID in its own environment: /proc shows the initial one for ever, and its own scan would find it.
# Exit: 0 the run has ended · 70 failed before anything ran · 75 devices busy · 76 not ours to run · 77 nothing to adopt
# shellcheck disable=SC2154 # SUP_* come from the environment; {name}< assigns descriptors

fault() { [[ ${SUP_KILL_AT-} != "$1" ]] || kill -KILL $$; }
fail() { printf 'supervise: %s\n' "$1" >&2; exit "${2:-70}"; }
put() { printf '%s\n' "$2" >"$run/meta/$1"; }
whole() { { IFS= read -r _ <"$1"; } 2>/dev/null; } # a first line with its newline: written to the end
nap() { read -r -t "$1" -u "$life" _; }           # nobody writes to `life`: a sleep without a process

uptime_ms() { # monotonic, unlike the clock
  read -r REPLY _ </proc/uptime
  REPLY=$((10#${REPLY/./} * 10))
}

timestamp() {
  local now=${EPOCHREALTIME-} # since bash 5
  [[ $now ]] || printf -v now '%(%s)T.000' -1
  printf -v REPLY '%(%FT%T)T.%.3sZ' "${now%.*}" "${now#*.}"
}

start_time() { # of process $1 in clock ticks; fails when it is gone, or dead and waiting for a parent that reaps late
  local stat field
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -r -a field <<<"${stat##*) }" # the name before it may hold spaces and parentheses
  [[ ${field[0]} != [ZXx] ]] || return 1
  REPLY=${field[19]}
}

is_alive() { [[ $3 == "$boot" ]] && start_time "$1" && [[ $REPLY == "$2" ]]; } # pid, start time, boot id

close_fds() { # all but 0-2 and the given ones
  local fd keep=" $* "
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    ((fd <= 2)) || [[ $keep == *" $fd "* ]] || exec {fd}>&-
  done
}

# --- before the job -----------------------------------------------------------------------------------------------

take_lock() { # before the claim, or "claimed and lock free" could be a starter that is still alive
  { exec {lock}>>"$SUP_LOCAL_DIR/supervisor.lock"; } 2>/dev/null || fail "cannot open $SUP_LOCAL_DIR/supervisor.lock"
  flock -w 1 -E 76 "$lock" || exit # who only looks at the lock holds it for an instant, hence the wait
  fault lock
}

take_devices() { # before the claim: a busy device leaves no trace. No O_CREAT, as the files may be another user's
  local path fd
  while IFS= read -r path; do
    [[ $path ]] || continue
    { exec {fd}<"$path"; } 2>/dev/null || exit 75
    flock -n "$fd" {lock}>&- || exit 75
    devices+=("$fd")
  done <<<"${SUP_DEVICE_LOCKS-}"
  fault devices
}

take_claim() { # noclobber is O_EXCL: one supervisor, or one that forbids the attempt, and never two
  local claim=$run/claim.$SUP_ATTEMPT fd
  set -C
  { exec {fd}>"$claim"; } 2>/dev/null || { [[ -e $claim ]] && exit 76; fail "cannot create $claim"; }
  set +C
  fault claim_created
  start_time $$
  identity="$$ $REPLY $boot"
  printf '%s\n' "$identity" >&"$fd" || fail "cannot write $claim"
  exec {fd}>&-
  fault claim
}

open_gate() { # both ends open before the fork: no open can block, and our death is an EOF. A gate is never used twice
  local both
  exec {life}<>"$SUP_LOCAL_DIR/life" {both}<>"$gate" || fail "cannot open the fifos in $SUP_LOCAL_DIR"
  exec {gate_out}>"$gate" {gate_in}<"$gate" {both}>&-
  exec {out}>>"$run/logs/stdout.log" {err}>>"$run/logs/stderr.log" || fail "cannot open the logs in $run/logs"
  fault gate
}

# --- the job's own process ----------------------------------------------------------------------------------------

# Exports "NAME=value" entries. Any of our variables may be overwritten and any builtin shadowed by a function here:
# hence the reserved names and `builtin`. The names left out belong to the process, not to who submitted it.
load_environment() {
  local __sup_entry __sup_name __sup_late=()
  for __sup_entry; do
    __sup_name=${__sup_entry%%=*}
    case $__sup_name in
      '' | _ | PWD | OLDPWD | BASH_FUNC_builtin%%) continue ;;
      BASH_FUNC_*%%)
        __sup_name=${__sup_name#BASH_FUNC_}
        __sup_name=${__sup_name%\%\%}
        [[ $__sup_name != *[!a-zA-Z0-9_.:+@-]* && ${__sup_entry#*=} == '() {'* ]] || continue
        builtin eval "function $__sup_name ${__sup_entry#*=}" && builtin export -f -- "$__sup_name"
        continue ;;
      *[!a-zA-Z0-9_]* | [0-9]*) continue ;;
      SHLVL) __sup_entry=SHLVL=$((${__sup_entry#*=} + 1)) ;; # exec takes one off
      LC_* | LANG | POSIXLY_CORRECT) __sup_late+=("$__sup_entry"); continue ;; # these change how bash works: last
    esac
    builtin unset -v "$__sup_name" # loses what bash itself does with RANDOM and its like
    builtin export "$__sup_entry"
  done
  for __sup_entry in "${__sup_late[@]}"; do builtin export "$__sup_entry"; done
}

become_job() { # start directory, script, gate, environment file, variables file
  trap - TERM INT HUP PIPE USR1
  close_fds "$3" "${devices[@]}"
  local __sup_entries __sup_variables __sup_go
  mapfile -d '' -t __sup_entries <"$4" && mapfile -d '' -t __sup_variables <"$5" && cd -- "$1" ||
    { printf 'qwex: cannot set up the start directory or the environment of this run\n' >&2; exit 125; }
  mapfile -n 1 -t -u "$3" __sup_go # EOF: the supervisor died or thought better of it
  [[ ${__sup_go[0]-} == go ]] || exit 125
  exec {gate_in}<&-
  export -n PATH LC_ALL TZ HOME QWEX_HOME SHLVL "${!SUP_@}"
  load_environment "${__sup_entries[@]}" "${__sup_variables[@]}" 2>/dev/null
  builtin unset -v OLDPWD
  builtin export PWD
  builtin exec /bin/bash "$2"
}

# --- ending it ----------------------------------------------------------------------------------------------------

grep_processes() { # sets `found` to the pids that `grep OPTIONS… /proc/*/FILE` names; a hung /proc entry can't hang us
  local file=$1 line fd status
  shift
  exec {fd}< <(close_fds; exec grep -ls "$@" /proc/[0-9]*/"$file")
  found=()
  while read -r -t 5 -u "$fd" line; do
    line=${line#/proc/}
    found+=("${line%/*}")
  done
  status=$?
  exec {fd}<&-
  ((status <= 128))
}

find_survivors() { # sets `group` and `escaped`; fails when nobody is left
  local found pid
  group=() escaped=()
  if [[ $group_may_live ]] && kill -0 -- "-$job" 2>/dev/null; then # true for zombies too, so look at their state
    grep_processes stat -E "^[0-9]+ \(.*\) [^ZXx] [0-9]+ $job [0-9]+ "
    group=("${found[@]}")
  else
    group_may_live= # once it is empty its number may become somebody else's
  fi
  grep_processes environ -zxF -- "QWEX_RUN_ID=$SUP_RUN_ID"
  for pid in "${found[@]}"; do [[ " ${group[*]} " == *" $pid "* ]] || escaped+=("$pid"); done
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
    nap "$((delay / 100)).$(printf '%02d' $((delay % 100)))"
    ((delay = delay < 16 ? delay * 2 : 20))
  done 2>/dev/null
  [[ $signal != alive ]] || for pid in "${group[@]}" "${escaped[@]}"; do remember "$pid" alive; done
}

# Ends the job inside the handler: a flag alone, set between a check and the `wait` after it, would be seen too late.
on_stop() {
  [[ ! -e $run/cancel || $1 == timeout ]] || set -- cancelled
  stop=${stop:-$1}
  [[ ! $going ]] || end_all
}

# --- writing it down ----------------------------------------------------------------------------------------------

write_facts() { # exit code, or - for unknown. The exit code comes last: with it the rest is complete
  local cause=${stop:-exit} signal='' pid
  (($1 > 128)) && signal=$(kill -l $(($1 - 128)) 2>/dev/null) # 128+n is the shells' word for "died of signal n"
  [[ $stop || ! $signal ]] || cause=signal
  [[ ! $adopted || $stop ]] || cause=lost
  [[ ! -e $run/cancel || $stop == timeout ]] || cause=cancelled
  [[ $stop != terminated ]] || { cause=signal; signal=${signal:-TERM}; } # somebody ended us, not the user this run
  timestamp
  put finished_at "$REPLY" && fault finished_at && put cause "$cause" && put signal "$signal" &&
    for pid in "${!left_name[@]}"; do
      printf '%s %s %s\n' "$pid" "${left_signal[pid]}" "${left_name[pid]}"
    done >"$run/meta/left_behind" && fault facts && put exit_code.tmp "$1" && fault exit_code_tmp
}

conclude() {
  local fd
  for fd in "${devices[@]}"; do exec {fd}<&-; done # free before anyone can see the exit code
  fault devices_released
  until whole "$run/meta/exit_code.tmp" && [[ $ready ]] || write_facts "$1"; do
    [[ -d $run/meta ]] || return # the folder was removed: nobody is left to tell
    nap 5                        # a full disk: the code is worth waiting for
  done
  until mv -fT "$run/meta/exit_code.tmp" "$run/meta/exit_code"; do # keeps the lock: free has to mean final
    [[ -d $run/meta ]] || return
    nap 5
  done
  fault exit_code
  : >"$SUP_ENDED_DIR/$SUP_RUN_ID"
  fault ended
}

wake_daemon() { # a free lock is a dead daemon
  local probe command
  mapfile -t command <<<"${SUP_START_DAEMON-}"
  [[ ${command[0]} ]] || return
  if { exec {probe}<"$SUP_DAEMON_LOCK"; } 2>/dev/null; then
    flock -n -s "$probe" {lock}>&- {life}>&- || return
    exec {probe}<&-
  fi
  set -m
  { close_fds; exec setsid env -i PATH="$PATH" HOME="$HOME" QWEX_HOME="$QWEX_HOME" "${command[@]}"; } \
    </dev/null >/dev/null 2>&1 &
  fault daemon
}
