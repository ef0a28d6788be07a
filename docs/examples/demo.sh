#!/usr/bin/env bash
# qwex in half a minute: two versions of a real training, run at the same time from two commits.
# Everything happens in a temporary folder with a qwex home and a daemon of its own; your ~/.qwex is not touched.
set -euo pipefail
unset CDPATH

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
EXAMPLE=$ROOT/docs/examples/penguins

usage() {
  printf 'usage: demo.sh [--keep]\n\n  --keep   leave the temporary folder (repository, runs, results) behind and say where it is\n'
}

# shellcheck source=docs/examples/narrate.sh
source "$ROOT/docs/examples/narrate.sh"

show() {
  announce_as '' "$@"
  "$@"
}

# Whoever runs the demo may have no name set in git, or hooks and signing set up: neither is the demo's business.
git() {
  command git -c user.name=Demo -c user.email=demo@example.org -c init.defaultBranch=main \
    -c commit.gpgsign=false -c core.hooksPath=/dev/null "$@"
}

now_ms() {
  local us=${EPOCHREALTIME-}
  if [ -n "$us" ]; then
    us=${us//[!0-9]/} # the decimal sign is the locale's
    printf '%s' "$((us / 1000))"
  else
    date +%s%3N
  fi
}

# Submits a run and says how long the prompt was away. The id goes into `run_id`.
submit() {
  announce_as '' qwex run "$@"
  local before
  before=$(now_ms)
  run_id=$(qwex run "$@") || return
  submitted+=("$run_id")
  printf '%s\n%s(the prompt was back after %s ms)%s\n' "$run_id" "$faint" "$(($(now_ms) - before))" "$plain"
}

demo='' current='' daemon=none running=no submitted=()

# Ends what is still running before the daemon: a run that finds no daemon at its end starts one again.
tidy() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  [ -n "$demo" ] || exit "$code"
  if [ "$code" -ne 0 ]; then
    printf '\ndemo: ended early (exit code %s), at: %s\n' "$code" "${current:-the start}" >&2
  fi
  if [ "$running" = yes ] && [ "${#submitted[@]}" -gt 0 ]; then
    # A run that has ended by itself refuses the cancel: no loss, as `wait` then answers at once.
    for run_id in "${submitted[@]}"; do qwex cancel "$run_id" >/dev/null 2>&1 || true; done
    timeout 20 qwex wait "${submitted[@]}" >/dev/null 2>&1 || true
  fi
  if [ "$daemon" = started ] && ! qwex daemon stop >/dev/null; then
    printf 'demo: its daemon did not stop, so %s is left in place\n' "$demo" >&2
    exit "$((code > 0 ? code : 1))"
  fi
  if [ "$keep" = yes ]; then
    printf '\nkept in %s; to look around:\n  cd %s\n  QWEX_HOME=%s %s list\n' \
      "$demo" "$demo/penguins" "$QWEX_HOME" "$ROOT/cli/qwex"
  else
    if [ "$code" -ne 0 ] && [ -f "$QWEX_HOME/daemon.log" ]; then
      printf 'demo: the last lines of its daemon.log:\n' >&2
      tail -n 5 "$QWEX_HOME/daemon.log" >&2
    fi
    cd /
    rm -rf -- "$demo"
  fi
  exit "$code"
}

for program in python3 git; do
  command -v "$program" >/dev/null || stop_with "needs $program, which is not on your PATH: install it and try again"
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' \
  || stop_with "needs Python 3.8 or newer; python3 here is $(python3 --version 2>&1)"
[ -x "$ROOT/cli/qwex" ] || stop_with "no program at $ROOT/cli/qwex: run this from a whole clone of the repository"

trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Not $TMPDIR: it can be long, and the path of a socket may not be.
demo=$(mktemp -d /tmp/qwex-demo.XXXXXX)
export QWEX_HOME=$demo/home PATH=$ROOT/cli:$PATH GIT_PAGER=cat
# Started from a git hook, git's variables would point at another repository.
for name in $(command git rev-parse --local-env-vars); do unset "$name"; done
started_ms=$(now_ms)

say 'A small training project in plain Python: it tells penguins apart. It becomes a git repository of its own.'
cp -R -- "$EXAMPLE" "$demo/penguins"
cd "$demo/penguins"
rm -rf -- out __pycache__
git init -q
git add -A
show git commit -q -m 'Two hidden neurons'
show ls

say 'A daemon for this demo, which runs two things at a time.'
daemon=started
show qwex daemon start
show qwex config set slots 2

say 'Submit the training. It runs from the commit, in a checkout of its own.'
running=yes
submit --name baseline -- python3 train.py

say 'Meanwhile, change the code: six hidden neurons. Commit, and submit that too; the first goes on with the old commit.'
show sed -i 's/^HIDDEN = 2$/HIDDEN = 6/' train.py
show git commit -q -a -m 'Six hidden neurons'
submit --name wider -- python3 train.py

say 'An edit that is not committed: nobody could say later what had run, so it is refused.'
show sed -i 's/^BATCH = 16$/BATCH = 4/' train.py
refusal=0
submit -- python3 train.py || refusal=$?
[ "$refusal" -eq 2 ] || stop_with "a run from a dirty tree ended with $refusal, where a refusal (2) was expected"
show git checkout -q -- train.py

say 'Both at once. Watch the first: Ctrl-C would only stop the watching (here it ends the demo as well).'
show qwex list
show qwex watch baseline

say 'Wait for both, and look at them.'
show qwex wait baseline wider
running=no
show qwex logs wider -n 3
show qwex status baseline
show qwex status wider

say 'What they left behind was kept, and so was what made it.'
show qwex artifacts baseline
show qwex artifacts wider
show qwex diff baseline wider

say 'Back to the code of the first run, and its model.'
announce_as '' qwex checkout baseline
checkout=$(qwex checkout baseline)
printf '%s\n' "$checkout"
show grep '^HIDDEN' "$checkout/train.py"
show qwex artifacts baseline --download ../baseline
show python3 "$checkout/evaluate.py" ../baseline/out/model.json

say 'The second run, for comparison.'
show qwex artifacts wider --download ../wider
show python3 evaluate.py ../wider/out/model.json
for name in baseline wider; do
  for file in model.json metrics.json training.png; do
    [ -s "$demo/$name/out/$file" ] || stop_with "out/$file of the run $name is missing"
  done
done

say "That took $((($(now_ms) - started_ms) / 1000)) s. Now in a repository of your own:"
cat <<'END'
  qwex run -- python3 train.py     # or any command; needs a commit, no set-up
  qwex watch @                     # @ is the latest run
  qwex artifacts @                 # what it left in out/
END
