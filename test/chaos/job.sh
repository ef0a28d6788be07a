#!/bin/bash
# job.sh LEDGER TAG KIND [NUMBER]: what the runs of the chaos test do. Writes its begin and its end into the ledger,
# a file that qwex knows nothing about; each line is one write with O_APPEND. All that it prints and leaves is known.
ledger=$1 tag=$2 kind=$3 number=${4-0}

note() { printf '%s %s %s %s %s\n' "$1" "$QWEX_RUN_ID" "$tag" "$$" "${2--}" >>"$ledger"; }
finish() { note end "$1"; exit "$1"; }
sleep_ms() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

note begin
printf '%s begins\n\0\377\n' "$tag"
printf '%s complains\n' "$tag" >&2
mkdir -p out/deep
printf '%s result\n' "$tag" >out/result.txt
printf '%s deep\n' "$tag" >'out/deep/a name'
ln -s ../result.txt out/deep/link

case $kind in
  quick) finish "$number" ;;
  bulky)
    yes "$tag 0123456789abcdef" | head -c "$number"
    yes "$tag model" | head -c "$number" >out/model.bin
    finish 0 ;;
  slow)
    for part in 1 2 3; do
      sleep_ms $((number / 3))
      printf '%s part %s\n' "$tag" "$part"
    done
    finish 0 ;;
  stubborn) # ends in its own time, whoever asks
    trap '' TERM INT HUP
    sleep_ms "$number"
    finish 4 ;;
  forker) # leaves processes behind, out of its group and deaf to TERM
    setsid sleep 3600 </dev/null >/dev/null 2>&1 &
    setsid bash -c 'trap "" TERM; while :; do sleep 3600; done' </dev/null >/dev/null 2>&1 &
    printf 'stray\n' >stray.txt
    finish 0 ;;
  endless) while :; do sleep 3600; done ;;
  deaf)
    trap '' TERM
    while :; do sleep 1; done ;;
  flaky) # fails as often as its number says
    tries=$(grep -c "^begin [^ ]* $tag " "$ledger")
    ((tries > number)) || finish 9
    finish 0 ;;
esac
