#!/usr/bin/env bash
# narrate.sh, sourced by the demos: how they read their one option and show what they do. Needs `usage`; sets `keep`.
# shellcheck disable=SC2034 # used by who sources it

keep=no
case "${1-}" in
  '') ;;
  --keep) keep=yes ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

bold='' faint='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
  bold=$'\e[1m' faint=$'\e[36m' plain=$'\e[0m'
fi

say() {
  printf '\n%s%s%s\n' "$faint" "$*" "$plain"
}

stop_with() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

# Prints a command as a person would type it, quotes only around words that need them. First word: whose prompt.
announce_as() {
  local word line=''
  for word in "${@:2}"; do
    case $word in
      '' | *[!A-Za-z0-9_./=:@~+,-]*) word="'${word//\'/\'\\\'\'}'" ;;
    esac
    line+=" $word"
  done
  current="$1$line"
  current=${current# }
  printf '%s%s$%s%s\n' "$bold" "$1" "$line" "$plain"
}
