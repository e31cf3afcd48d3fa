#!/usr/bin/env bash
# What `make` promises: one static file under 25 MB that prunes a checkpoint on its own, and says what it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."
espalier=$PWD/build/static/bin/espalier
limit=$((25 * 1000 * 1000))

fail() {
  echo "static: $*" >&2
  exit 1
}

size=$(stat -c %s "$espalier")
[ "$size" -lt "$limit" ] || fail "$size bytes, the limit is $limit"
if readelf -d "$espalier" | grep -q NEEDED; then fail "it needs shared libraries"; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=tests/golden/mixtral-sharded
cat >"$work/plan.json" <<'PLAN'
{"format": "espalier.plan/1", "provenance": {"criterion": "none", "schedule": "one_shot", "seed": 0},
 "router": "reroute", "experts_per_token": 2,
 "layers": [{"layer": 0, "num_experts_before": 8, "keep": [0, 2, 5, 7]},
            {"layer": 1, "num_experts_before": 8, "keep": [1, 2, 3, 4]}]}
PLAN
# Nothing of this machine but the program: an empty environment.
run() { env -i "$espalier" "$@"; }
run --version >/dev/null
run inspect "$model" --json >/dev/null
run check "$work/plan.json" "$model" >/dev/null
run apply "$model" "$work/plan.json" --out "$work/pruned" --quiet >/dev/null
run verify "$model" "$work/pruned" --plan "$work/plan.json" --quiet >/dev/null
for verb in $(sed -n 's/^| \[`\([a-z]*\)`\](#.*/\1/p' docs/verbs.md); do
  run "$verb" --help >/dev/null || fail "there is no verb $verb, not even its name (src/cli/no_training/verbs.cpp)"
done
# Right on a processor of 2008 (SSE4.2, no AVX), as far as qemu imitates it.
if command -v qemu-x86_64 >/dev/null; then
  run inspect "$model" --json >"$work/here.json"
  env -i qemu-x86_64 -cpu Nehalem "$espalier" inspect "$model" --json >"$work/nehalem.json" || fail "it does not run on a Nehalem"
  cmp -s "$work/here.json" "$work/nehalem.json" || fail "a Nehalem says something else of $model"
else
  echo "static: no qemu-x86_64 here: not tried on an older processor" >&2
fi
status=0
run finetune "$model" --out "$work/run" 2>"$work/err" || status=$?
[ "$status" -eq 2 ] || fail "finetune ended with $status, expected 2"
grep -q 'needs the full build' "$work/err" || fail "finetune does not say where it is"
echo "static: $size bytes, static; inspect, check, apply and verify work"
