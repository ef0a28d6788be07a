#!/usr/bin/env bash
# One machine, four GPUs that are only pretended, and three members who share them: less than a minute. Everything
# happens in a temporary folder with daemons of its own; your ~/.qwex and /var/lib/qwex are not touched.
set -euo pipefail
unset CDPATH

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
MEMBERS=(ann ben cem)

usage() {
  printf 'usage: demo-box.sh [--keep]\n\n  --keep   leave the temporary folder (box, homes, runs) behind and say where it is\n'
}

# shellcheck source=docs/examples/narrate.sh
source "$ROOT/docs/examples/narrate.sh"

# A command as one member: with the home that stands for their account.
as() {
  QWEX_HOME=$demo/$1 "${@:2}"
}

# Shows a command and runs it as a member.
show_as() {
  announce_as "$@"
  as "$@"
}

# submit MEMBER GPUS SECONDS: the time limit is honest, so that the line can be planned.
submit() {
  current="$1 submits a run on $2"
  local id
  id=$(as "$1" qwex run --gpus "$2" --time "$(($3 + 2))s" -- ./work.sh "$1" "$3")
  submitted+=("$1 $id")
  printf '%s  %s  GPUs: %s, for %s s\n' "$1" "${id: -8}" "$2" "$3"
}

# Waits for the run that was submitted as number N.
wait_for() {
  local member id
  read -r member id <<<"${submitted[$1]}"
  as "$member" qwex wait -q "$id" || stop_with "the run ${id: -8} of $member failed: $(as "$member" qwex logs "$id")"
}

demo='' current='' running=no submitted=()

# Ends what is still running before the daemons: a run that finds no daemon at its end starts one again.
tidy() {
  local code=$? entry member id
  trap - EXIT
  trap '' INT TERM HUP
  [ -n "$demo" ] || exit "$code"
  if [ "$code" -ne 0 ]; then
    printf '\ndemo: ended early (exit code %s), at: %s\n' "$code" "${current:-the start}" >&2
  fi
  if [ "$running" = yes ]; then
    # A run that has ended by itself refuses the cancel: no loss, as `wait` then answers at once.
    for entry in "${submitted[@]+"${submitted[@]}"}"; do
      read -r member id <<<"$entry"
      as "$member" qwex cancel "$id" >/dev/null 2>&1 || true
    done
    for entry in "${submitted[@]+"${submitted[@]}"}"; do
      read -r member id <<<"$entry"
      as "$member" timeout 20 qwex wait -q "$id" >/dev/null 2>&1 || true
    done
  fi
  for member in "${MEMBERS[@]}"; do
    [ -d "$demo/$member" ] || continue
    if ! as "$member" qwex daemon stop >/dev/null 2>&1; then
      printf 'demo: the daemon of %s did not stop, so %s is left in place\n' "$member" "$demo" >&2
      exit "$((code > 0 ? code : 1))"
    fi
    if [ "$code" -ne 0 ] && [ -f "$demo/$member/daemon.log" ]; then
      printf 'demo: the last lines of the daemon.log of %s:\n' "$member" >&2
      tail -n 3 "$demo/$member/daemon.log" >&2
    fi
  done
  if [ "$keep" = yes ]; then
    printf '\nkept in %s; to look around:\n  QWEX_BOX=%s QWEX_HOME=%s %s box\n' \
      "$demo" "$QWEX_BOX" "$demo/ann" "$ROOT/cli/qwex"
  else
    cd /
    rm -rf -- "$demo"
  fi
  exit "$code"
}

command -v git >/dev/null || stop_with 'needs git, which is not on your PATH: install it and try again'
[ -x "$ROOT/cli/qwex" ] || stop_with "no program at $ROOT/cli/qwex: run this from a whole clone of the repository"

trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Not $TMPDIR: it can be long, and the path of a socket may not be.
demo=$(mktemp -d /tmp/qwex-demo.XXXXXX)
export QWEX_BOX=$demo/box BUSY=$demo/busy PATH=$ROOT/cli:$PATH
# Started from a git hook, git's variables would point at another repository.
for name in $(git rev-parse --local-env-vars); do unset "$name"; done
SECONDS=0

say 'A program that uses GPUs. It marks those that it was given, and fails when somebody else is on one.'
mkdir "$demo/project" "$BUSY"
cd "$demo/project"
cat >work.sh <<'END'
#!/usr/bin/env bash
# work.sh NAME SECONDS
IFS=, read -ra gpus <<<"$QWEX_GPUS"
for gpu in "${gpus[@]}"; do
  mkdir "$BUSY/$gpu" || { echo "two runs on $gpu at once"; exit 1; }
done
echo "$1 works on $QWEX_GPUS for $2 s"
sleep "$2"
for gpu in "${gpus[@]}"; do rmdir "$BUSY/$gpu"; done
END
chmod +x work.sh
cat work.sh
git init -q
git add work.sh
# Whoever runs the demo may have no name set in git, or hooks and signing set up: neither is the demo's business.
git -c user.name=Demo -c user.email=demo@example.org -c commit.gpgsign=false -c core.hooksPath=/dev/null \
  commit -q -m 'Work'

say 'Somebody makes the box, once. Here it pretends four GPUs; on a real machine it finds them.'
current='qwex box init'
printf '%s$ qwex box init --path %s --fake 4%s\n' "$bold" "$QWEX_BOX" "$plain"
# The temporary folder is closed to others, and qwex says so: right for a real box, of no matter here.
qwex box init --path "$QWEX_BOX" --fake 4 2>/dev/null

say "Three members, each with a daemon of their own. Nothing serves the box: the daemons agree through its files.
A member is an account. As you are only one here, three homes stand for three people: all runs show your name."
for member in "${MEMBERS[@]}"; do
  mkdir "$demo/$member"
  show_as "$member" qwex daemon start
done

say 'Everybody submits. A run that does not fit waits in one line with those of the others.'
running=yes
submit ann 2 4
submit ann 1 3
submit ben 3 4
submit cem 1 6
submit ben 1 3
submit ann 2 3
submit cem 4 2
submit ben 1 2
submit cem 2 3
submit ann 1 2
show_as ann qwex box

say 'The first has ended. What was freed goes to whoever is next; small runs fill the gaps that delay nobody.'
wait_for 0
show_as ben qwex box

say 'A little later: gpu3 is to get a new fan. No further run gets it, the one on it goes on.'
wait_for 2
show_as cem qwex box drain gpu3 --why 'new fan'
show_as cem qwex box

say 'The fan is in.'
show_as cem qwex box resume gpu3
for index in "${!submitted[@]}"; do wait_for "$index"; done
running=no

say 'What each run was given. No two were on one GPU at once: they have looked.'
for entry in "${submitted[@]}"; do
  read -r member id <<<"$entry"
  printf '%s  ' "${id: -8}"
  as "$member" qwex logs "$id"
done

say 'And who used how much (all of it you, here).'
show_as ann qwex box
show_as ann qwex box report --since 1d
show_as ann qwex box doctor

say "That took $SECONDS s. On a machine of your own, docs/box.md says how; it begins with:"
cat <<'END'
  sudo qwex box init --group lab     # once, by whoever keeps the machine
  qwex run --gpus 2 python train.py  # everybody, from then on
END
