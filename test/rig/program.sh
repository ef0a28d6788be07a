#!/bin/bash
# program.sh FOLDER: a command that a test drives. Says that it has started, then does what it is told, bash text by
# bash text, until it is told to exit. The test keeps both fifos open, so no open of ours can block.
exec {orders}<"$1/orders" {answers}>"$1/answers"
reply() { printf '%s\0' "$*" >&"$answers"; }
reply "$$ ${QWEX_RUN_ID-}"
while IFS= read -r -d '' -u "$orders" order; do
  eval "$order"
done
