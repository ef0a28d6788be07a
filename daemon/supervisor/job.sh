#!/bin/bash
# job.sh, a part of supervise.sh: what the forked child does until it is the job. It waits at the gate, takes on the
# submitter's environment and becomes the script. It must leak nothing of the supervisor: no setting, no descriptor.
# shellcheck disable=SC2154,SC2163 # gate_in and devices are the supervisor's; exports what the variable says

# Exports "NAME=value" entries. Any of our variables may be overwritten and any builtin shadowed by a function here:
# hence the reserved names and `builtin`. The names left out belong to the process, not to who submitted it.
load_environment() {
  local __sup_entry __sup_name __sup_late=()
  for __sup_entry; do
    __sup_name=${__sup_entry%%=*}
    case $__sup_name in
      '' | _ | PWD | OLDPWD | __sup_* | BASH_FUNC_builtin%%) continue ;;
      BASH_FUNC_*%%)
        __sup_name=${__sup_name#BASH_FUNC_}
        __sup_name=${__sup_name%\%\%}
        [[ $__sup_name != *[!a-zA-Z0-9_.:+@-]* && ${__sup_entry#*=} == '() {'* ]] || continue
        builtin eval "function $__sup_name ${__sup_entry#*=}" && builtin export -f -- "$__sup_name"
        continue ;;
      *[!a-zA-Z0-9_]* | [0-9]*) continue ;;
      SHLVL) [[ ${__sup_entry#*=} == *[!0-9]* ]] || __sup_entry=SHLVL=$((10#0${__sup_entry#*=} + 1)) ;; # exec takes one off
      LC_* | LANG | POSIXLY_CORRECT) __sup_late+=("$__sup_entry"); continue ;; # these change how bash works: last
    esac
    # Takes from bash what it does itself with RANDOM and its like; what is read-only (UID) can't be passed on.
    builtin unset -v "$__sup_name" || continue
    builtin export "$__sup_entry"
  done
  for __sup_entry in "${__sup_late[@]}"; do builtin export "$__sup_entry"; done
}

# Others can't see whose a process is when it has left session and group, closed all files, and its supervisor is dead.
# A limit far beyond reach is handed down to every process of the run, and all can read it. No `-R` before bash 5.1.
mark_number() { REPLY=$((10 ** 18 + 16#${SUP_RUN_ID##*-})); }
mark_as_run() { mark_number && ulimit -S -R "$REPLY"; } 2>/dev/null

become_job() { # start directory, script, gate, environment file, variables file
  trap - TERM INT HUP PIPE USR1
  close_fds "$3" "${devices[@]}"
  [[ ! ${SUP_LEASE-} ]] || mark_as_run
  local __sup_entries __sup_variables __sup_go __sup_trouble=
  { mapfile -d '' -t __sup_entries <"$4" && mapfile -d '' -t __sup_variables <"$5" && cd -- "$1"; } || __sup_trouble=yes
  mapfile -n 1 -t -u "$3" __sup_go # EOF: the supervisor died or thought better of it
  [[ ${__sup_go[0]-} == go ]] || exit 125
  [[ ! $__sup_trouble ]] || fail 'cannot set up the environment or the start directory of this run' 125
  exec {gate_in}<&-
  umask "$SUP_UMASK" # the supervisor's own keeps what it writes private
  export -n PATH LC_ALL TZ HOME QWEX_HOME SHLVL "${!SUP_@}"
  load_environment "${__sup_entries[@]}" "${__sup_variables[@]}" 2>/dev/null
  builtin unset -v OLDPWD
  builtin export PWD
  builtin exec /bin/bash "$2"
}
