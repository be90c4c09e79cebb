#!/bin/bash
# The long suites, one after the other, within a number of seconds; says what failed and what the time did not allow.
# usage: tools/test_full.sh [SECONDS]
set -u
# pictures of every page of the dashboard and of the public site, to be looked at; a CI keeps that folder
export TEITEN_SHOTS=${TEITEN_SHOTS:-$PWD/.ci/artifacts/shots}
allowed=${1:-14400}
began=$SECONDS
failed=()
skipped=()

suite() { # suite NAME COMMAND...
  local name=$1 left=$((allowed - (SECONDS - began)))
  shift
  if [ "$left" -lt 60 ]; then
    skipped+=("$name")
    return
  fi
  echo
  echo "=== $name ($left s left)"
  timeout --kill-after=30 "$left" "$@"
  local code=$?
  case $code in
    0) ;;
    5) echo "$name: no test of this kind yet" ;;
    124 | 137) skipped+=("$name (cut off)") ;;
    *) failed+=("$name") ;;
  esac
}

py() { suite "$1" python -m pytest -q "${@:2}"; }

py "conformance: the kernel's log beside a capture" -m "full" tests/conformance
py "the long cases of every part" -m "full and not faults and not alone" --ignore tests/conformance -n auto --maxprocesses 4 --dist loadfile
py "what needs the machine for itself" -m "full and alone" --ignore tests/conformance
py "kills, full disks, failing writes" -m "full and faults"
NUMBA_DISABLE_JIT=1 py "the readers without the JIT: the same rows" -m "not full" tests/readers
NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR="$(mktemp -d)" py "the readers with bounds checks" -m "not full" tests/readers

echo
python tools/shots.py "$TEITEN_SHOTS"
for name in "${skipped[@]}"; do echo "not run, the time was up: $name"; done
for name in "${failed[@]}"; do echo "FAILED: $name"; done
[ ${#failed[@]} -eq 0 ] && echo "The long suites passed."
exit $((${#failed[@]} > 0))
