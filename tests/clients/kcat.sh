#!/usr/bin/env bash
# kcat (librdkafka): every codec out and back, by offset, by time, and in a group. Usage: kcat.sh BOOTSTRAP
set -euo pipefail
bootstrap=$1
run=kcat-$$-$(date +%s)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
for codec in none gzip snappy lz4 zstd; do
  topic=$run-$codec
  seq 1 2000 | sed "s/^/$codec value /" >"$tmp/in"
  kcat -b "$bootstrap" -P -t "$topic" -z "$codec" -X acks=all -X enable.idempotence=true <"$tmp/in"
  timeout 60 kcat -b "$bootstrap" -C -t "$topic" -o beginning -e -q -X check.crcs=true >"$tmp/out"
  sort "$tmp/in" >"$tmp/in.sorted"
  sort "$tmp/out" >"$tmp/out.sorted"
  cmp "$tmp/in.sorted" "$tmp/out.sorted" || fail "$codec: other records came back"
  echo "ok $codec: 2000 records out and back"
done
topic=$run-none
last=$(timeout 60 kcat -b "$bootstrap" -C -t "$topic" -o -1 -c 1 -e -q)
[ "$last" = "none value 2000" ] || fail "last record is '$last'"
echo "ok reading from the tail"
offsets=$(timeout 60 kcat -b "$bootstrap" -Q -t "$topic:0:-1")
[[ "$offsets" == *"2000"* ]] || fail "end offset: $offsets"
echo "ok offsets by time: $offsets"
timeout 90 kcat -b "$bootstrap" -G "$run-group" -X auto.offset.reset=earliest -c 2000 -q "$topic" >"$tmp/group"
[ "$(sort "$tmp/group" | uniq | wc -l)" = 2000 ] || fail "the group saw other records"
echo "ok group of one"
echo "kcat passed"
