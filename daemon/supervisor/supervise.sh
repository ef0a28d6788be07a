#!/bin/bash
# supervise.sh RUN_DIR           starts a run's script once, watches it, writes down what happened
# supervise.sh --adopt RUN_DIR   takes over a run whose supervisor died, until it is over
#
# Runs as `/bin/bash -p` in a clean environment, its settings in SUP_*; only the job gets the submitter's environment.
# It must never run the script twice, let a helper or the job hold its lock, put an environment value into an argv,
# or have QWEX_RUN_ID in its own environment: /proc shows the initial one for ever, and its own scan would find it.
# A run gets job.sh, ending.sh and this as one file; all of it is read before the last line does anything.
# Exit: 0 the run has ended · 70 failed before anything ran · 75 devices busy · 76 not ours to run · 77 nothing to adopt
# shellcheck disable=SC2034,SC2154 # SUP_* come from the environment; variables are shared with the other parts

fault() { [[ ${SUP_KILL_AT-} != "$1" ]] || kill -KILL $$; }
fail() { printf 'qwex: %s\n' "$1" >&2; exit "${2:-70}"; }
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
  exec {lock}>>"$SUP_LOCAL_DIR/supervisor.lock" || fail "cannot open the lock in $SUP_LOCAL_DIR"
  flock -w 1 -E 76 "$lock" || exit # who only looks at the lock holds it for an instant, hence the wait
  fault lock
}

# Before the claim: a busy device leaves no trace. No O_CREAT, as the files may be another user's. Who looks at a lock
# holds it for an instant, hence the wait.
take_devices() {
  local path fd
  while IFS= read -r path; do
    [[ $path ]] || continue
    { exec {fd}<"$path"; } 2>/dev/null || exit 75
    flock -w 0.2 "$fd" || exit 75
    devices+=("$fd")
  done <<<"${SUP_DEVICE_LOCKS-}"
  hold_device_life || exit 75
  fault devices
}

hold_device_life() { # the last of `devices`, so the last to be closed: its EOF says that the locks are free
  local fd
  [[ ${SUP_DEVICE_LIFE-} ]] || return 0
  [[ -f $SUP_LEASE && -p $SUP_DEVICE_LIFE ]] || return # the grant was taken back while we were on our way
  { exec {fd}<>"$SUP_DEVICE_LIFE"; } 2>/dev/null || return
  devices+=("$fd")
  [[ -p /proc/self/fd/$fd ]] || { rm -f "$SUP_DEVICE_LIFE"; return 1; } # it went just now, and we have made a file
}

note_lease() { # for the other members; what counts is the lock
  [[ ! -f ${SUP_LEASE-} ]] || printf '%s\n' "$1" >>"$SUP_LEASE"
} 2>/dev/null

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
  note_lease "held $identity"
  fault claim
}

open_gate() { # both ends open before the fork: no open can block, and our death is an EOF
  local both
  [[ -p $life_path && -p $gate ]] || fail "cannot make the fifos in $SUP_LOCAL_DIR"
  exec {life}<>"$life_path" {both}<>"$gate" || fail "cannot open the fifos in $SUP_LOCAL_DIR"
  exec {gate_out}>"$gate"
  exec {gate_in}<"$gate" {both}>&-
  exec {out}>>"$run/logs/stdout.log" {err}>>"$run/logs/stderr.log" || fail "cannot open the logs in $run/logs"
  fault gate
}

# --- writing it down ----------------------------------------------------------------------------------------------

name_signal() { # of exit code $1: 128+n is the shells' word for "died of signal n"
  signal=
  [[ $1 == - ]] || (($1 <= 128)) || signal=$(kill -l $(($1 - 128)) 2>/dev/null)
}

write_facts() { # exit code, or - for unknown. exit_code itself comes last: who sees it whole sees the rest
  local cause signal pid
  name_signal "$1"
  if [[ $stop == timeout ]]; then cause=timeout
  elif [[ -e $run/cancel ]]; then cause=cancelled
  elif [[ $stop ]]; then cause=signal signal=${signal:-TERM} # somebody ended us, a shutdown perhaps, but not the user
  elif [[ $adopted || $1 == - ]]; then cause=lost
  else cause=${signal:+signal} cause=${cause:-exit}; fi
  timestamp
  put finished_at "$REPLY" && fault finished_at && put cause "$cause" && put signal "$signal" &&
    for pid in "${!left_name[@]}"; do
      printf '%s %s %s\n' "$pid" "${left_signal[pid]}" "${left_name[pid]}"
    done >"$run/meta/left_behind" && fault facts && put exit_code "$1"
}

conclude() {
  local fd now=${EPOCHREALTIME-}
  [[ $now ]] || printf -v now '%(%s)T.000' -1
  now=${now//[!0-9]/}
  note_lease "ended ${now::13}"
  for fd in "${devices[@]}"; do exec {fd}<&-; done # free before anyone can see the exit code
  fault devices_released
  until write_facts "$1"; do     # keeps the lock: free has to mean final
    [[ -d $run/meta ]] || return # the folder was removed: nobody is left to tell
    nap 5                        # a full disk: the code is worth waiting for
  done
  fault exit_code
  : >"$SUP_ENDED_DIR/$SUP_RUN_ID"
  fault ended
}

is_dying() { # was process $1 killed, and is it only on its way out? A large one keeps its locks for a while
  local stat line field
  [[ $1 =~ ^[1-9][0-9]*$ ]] && { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
  read -r -a field <<<"${stat##*) }"
  ((field[6] & 4)) && return # PF_EXITING of the kernel's sched.h
  while read -r line; do     # or a KILL (bit 8) that it hasn't come to yet
    [[ $line != S*Pnd:* ]] || ((!(16#${line##*[[:space:]]} & 256))) || return 0
  done <"/proc/$1/status"
  return 1
}

take_daemon_environment() { # none of ours, and no value in an argv
  local entry entries
  mapfile -t entries <<<"${SUP_DAEMON_ENVIRONMENT-}"
  export -n LC_ALL TZ "${!SUP_@}"
  for entry in "${entries[@]}"; do [[ $entry != [A-Z]*=* ]] || export "${entry?}"; done
}

wake_daemon() { # unless the one that its lock file names lives
  local command fd pid its_start its_boot
  mapfile -t command <<<"${SUP_START_DAEMON-}"
  [[ ${command[0]} ]] || return
  { read -r pid its_start its_boot <"$SUP_DAEMON_LOCK"; } 2>/dev/null
  if [[ $pid ]] && is_alive "$pid" "$its_start" "$its_boot"; then
    is_dying "$pid" 2>/dev/null || return
    exec {fd}<"$SUP_DAEMON_LOCK" && flock -w 10 -s "$fd" || return # its locks go last, and the next one needs them
    exec {fd}<&-
  fi
  set -m
  { trap - HUP PIPE; close_fds; take_daemon_environment; exec setsid env -u PWD -u SHLVL "${command[@]}"; } \
    </dev/null >/dev/null 2>&1 &
  fault daemon
}

# --- the two ways to be a supervisor ------------------------------------------------------------------------------

start_timer() { # a process only for runs with a limit. It ends with us: EOF on `life`
  ((SUP_TIME_LIMIT_MS)) || return
  local fd limit own_start=${identity#* }
  printf -v limit '%d.%03d' $((SUP_TIME_LIMIT_MS / 1000)) $((SUP_TIME_LIMIT_MS % 1000))
  {
    exec {fd}<"$life_path"
    close_fds "$fd"
    read -r -t "$limit" -u "$fd" _
    (($? > 128)) && is_alive $$ "${own_start% *}" "$boot" && kill -USR1 $$
  } </dev/null >/dev/null 2>&1 &
  fault timer
}

let_go() {
  timestamp
  put started_at "$REPLY" || fail "cannot write to $run/meta"
  fault started_at
  printf 'go\n' >&"$gate_out" # the one place that lets the script run
  fault go
  start_timer
}

start() {
  local code=-
  if [[ -e $run/meta/exit_code ]] || whole "$run/meta/pid"; then exit 76; fi # it has run: no attempt may follow
  gate=$SUP_LOCAL_DIR/gate.$SUP_ATTEMPT                           # of one attempt: a new writer would keep an old child waiting
  mkfifo -m 600 "$life_path" "$gate" 2>/dev/null &
  take_lock
  take_devices
  take_claim
  wait $! || wait $! # a signal cuts the first one short
  open_gate
  set -m # a group of its own, with SIGINT and SIGQUIT as they were
  # shellcheck disable=SC2261 # two descriptors, no competition
  become_job "$SUP_CWD" "$run/script.sh" "$gate_in" "$SUP_ENVIRONMENT_FILE" "$run/variables" \
    </dev/null 1>&"$out" 2>&"$err" &
  job=$!
  set +m
  exec {gate_in}<&- {out}>&- {err}>&-
  fault forked
  start_time "$job" || fail 'the job ended before it began'
  job_start=$REPLY
  put pid "$job $job_start $boot" || fail "cannot write to $run/meta"
  fault pid
  going=yes
  [[ ! -e $run/cancel ]] || stop=${stop:-cancelled}
  [[ $stop ]] || { let_go; code=; }
  exec {gate_out}>&-
  printf '%s\n' "$identity" # whoever started us may go on
  exec >/dev/null
  fault announced
  until ! is_alive "$job" "$job_start" "$boot"; do wait "$job"; done 2>/dev/null
  trap '' TERM INT USR1 # one that came now would be taken for the job's end; a wish to cancel has its file
  wait "$job" 2>/dev/null
  local status=$?
  listen
  # A trap that cuts a `wait` short the instant the job ends loses its code: bash then says -1, however often asked.
  ((status >= 0)) || status=-
  finish "${code:-$status}"
}

adopt_devices() { # an orphan still holds the locks itself; what it has closed is kept until all of the run is gone
  local path fd
  while IFS= read -r path; do
    [[ $path ]] || continue
    { exec {fd}<"$path"; } 2>/dev/null || continue
    if flock -n "$fd"; then devices+=("$fd"); else exec {fd}<&-; fi
  done <<<"${SUP_DEVICE_LOCKS-}"
  hold_device_life
}

adopt() { # not the parent: no event and no exit code. A look now and then, without a process; others wait for devices
  local job_boot look=1
  take_lock
  ! whole "$run/meta/exit_code" || exit 76
  whole "$run/meta/pid" || exit 77
  read -r job job_start job_boot <"$run/meta/pid"
  adopt_devices
  ((${#devices[@]} == 0)) || look=0.1
  { rm -f "$life_path" && mkfifo -m 600 "$life_path" && exec {life}<>"$life_path"; } || fail "cannot make $life_path"
  start_time $$
  identity="$$ $REPLY $boot" adopted=yes
  is_alive "$job" "$job_start" "$job_boot" || group_may_live= # the number may be another group's by now
  printf '%s\n' "$identity" >"$run/adopted" || fail "cannot write to $run"
  fault adopted
  printf '%s\n' "$identity"
  exec >/dev/null
  while is_alive "$job" "$job_start" "$job_boot"; do
    uptime_ms
    [[ ! -e $run/cancel ]] || stop=${stop:-cancelled}
    ((SUP_TIME_LIMIT_MS == 0 || REPLY - job_start * 10 < SUP_TIME_LIMIT_MS)) || stop=${stop:-timeout}
    if [[ $stop && ! $ending ]]; then end_all; else nap "$look"; fi
  done
  finish -
}

finish() {
  fault job_ended
  end_all
  fault swept
  conclude "$1" # the fifos stay for the daemon to clear away
  wake_daemon
}

listen() {
  trap 'on_stop terminated' TERM INT
  trap 'on_stop timeout' USR1
}

main() {
  listen
  trap '' HUP PIPE # not `:`, which would cut `wait` short. Whoever outlives us gets the default back
  run=${!#}
  : "${SUP_RUN_ID:?}" "${SUP_LOCAL_DIR:?}" "${SUP_ENDED_DIR:?}" "${SUP_TIME_LIMIT_MS:=0}" "${SUP_GRACE_MS:=5000}"
  life_path=$SUP_LOCAL_DIR/life
  job='' stop='' going='' ending='' adopted='' group_may_live=yes
  devices=() left_name=() left_signal=()
  read -r boot </proc/sys/kernel/random/boot_id
  if [[ $1 == --adopt ]]; then adopt; else start; fi
}

main "$@"; exit 0
