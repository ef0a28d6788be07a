#!/usr/bin/env bash
# shellcheck disable=SC1003,SC2016 # what is quoted is meant for an inner shell or for the program
# workspace: project
# commit:    5f0c2d1be9a14c6f8d7e3b2a190f8e7d6c5b4a39
# runner:    depth3 (layers: wrap > env > nice)
#
# It needs no qwex. By hand, in the workspace's root of a checkout of that commit:
#   QWEX_RUN_ID="by-hand-$$" QWEX_RUN_DIR="$(mktemp -d)" bash script.sh

bash -c "export GREETING=\"it's \\\$HOME\"
exec nice -n '10' bash -c \"exec python train.py --name \\\"it's\\\" '\\\$HOME \\\`id\\\` \\\"x\\\"' 'two
lines' '{{ inner }}{% raw %}' 'é✓' ''\""
