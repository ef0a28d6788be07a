#!/usr/bin/env bash
# shellcheck disable=SC1003,SC2016 # what is quoted is meant for an inner shell or for the program
# workspace: project
# commit:    5f0c2d1be9a14c6f8d7e3b2a190f8e7d6c5b4a39
# runner:    env (layers: env)
#
# It needs no qwex. By hand, in the folder 'deep/er' of a checkout of that commit:
#   QWEX_RUN_ID="by-hand-$$" QWEX_RUN_DIR="$(mktemp -d)" bash script.sh

# Told from a failure of the command: 125, a sentence on stderr, and a note in the folder of the run.
qwex_fail() {
  printf 'qwex: layer %s: %s\n' 'env' "$1" >&2
  if [ -n "${QWEX_RUN_DIR:-}" ]; then
    qwex_layer="$QWEX_RUN_DIR/layers/"'env'
    {
      mkdir -p "$qwex_layer" &&
        printf '%s\n' "$1" >"$qwex_layer/failed.tmp" &&
        mv "$qwex_layer/failed.tmp" "$qwex_layer/failed"
    } 2>/dev/null
  fi
  exit 125
}
# Before the activations, which may need them, and again after, which may have changed them.
qwex_variables() {
  export A="it's"
  export B='2'
}
qwex_variables
if ! command -v module >/dev/null 2>&1; then
  for qwex_init in "${MODULESHOME:-}/init/bash" /etc/profile.d/lmod.sh /etc/profile.d/modules.sh \
    /usr/share/lmod/lmod/init/bash /usr/share/modules/init/bash; do
    if [ -r "$qwex_init" ]; then
      # shellcheck disable=SC1090 # known only on the machine that has it
      . "$qwex_init"
      break
    fi
  done
fi
command -v module >/dev/null 2>&1 || qwex_fail 'there is no command "module" on this machine'
module load 'gcc/12' >&2 || qwex_fail 'cannot load the module gcc/12'
module load 'cuda' >&2 || qwex_fail 'cannot load the module cuda'
qwex_conda="$HOME"/'miniconda/bin/conda'
qwex_hook="$("$qwex_conda" shell.bash hook </dev/null)" || qwex_fail "$qwex_conda doesn't say how to activate environments"
eval "$qwex_hook"
conda activate 'science' >&2 || qwex_fail 'cannot activate the conda environment science'
qwex_project='../../.'
# A linked .venv is a live environment that others use, and a sync would rewrite it.
[ ! -L "$qwex_project/.venv" ] || qwex_fail "$qwex_project/.venv is a link; use venv: instead of uv: for an environment that exists"
unset UV_PROJECT_ENVIRONMENT VIRTUAL_ENV
uv sync --frozen --project "$qwex_project" </dev/null >&2 || qwex_fail "uv cannot make the environment of $qwex_project"
# shellcheck disable=SC1091 # made just now
. "$qwex_project/.venv/bin/activate" || qwex_fail "cannot activate $qwex_project/.venv"
qwex_venv='../../.venv'
[ -r "$qwex_venv/bin/activate" ] || qwex_fail "there is no virtual environment in $qwex_venv"
# shellcheck disable=SC1091 # known only where it runs
. "$qwex_venv/bin/activate" || qwex_fail "cannot activate $qwex_venv"
qwex_variables
exec true
