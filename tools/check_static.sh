#!/usr/bin/env bash
# What `make` promises: one static file under 25 MB that prunes a checkpoint and runs a model on its own, and says what it cannot.
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
  run "$verb" --help >/dev/null || fail "there is no verb $verb, not even its name"
done
# Runs with the words before the verb (none, or an emulator): logits as recorded, and the plan that follows from a text.
roundings=2e-4
try_model() {
  local name=$1 golden=tests/golden/mixtral
  shift
  env -i "$@" "$espalier" logits "$golden" --tokens "$golden/tokens.json" --out "$work/$name.safetensors" --quiet
  tools/compare_tensors.py "$golden/logits.safetensors" "$work/$name.safetensors" "$roundings" >"$work/difference" ||
    fail "$name: logits are not the recorded ones: $(cat "$work/difference")"
  env -i "$@" "$espalier" observe "$golden" --data "$golden/tokens.json" --out "$work/$name-observations.safetensors" --quiet >/dev/null
  env -i "$@" "$espalier" score "$work/$name-observations.safetensors" --criterion reap --out "$work/$name-scores.json" --quiet >/dev/null
  env -i "$@" "$espalier" plan "$work/$name-scores.json" --keep 4 --out "$work/$name-plan.json" --quiet >/dev/null
  env -i "$espalier" explain "$work/$name-plan.json" --keep-list "$work/$name-keep.json" >/dev/null
}
try_model here
# A processor of 2008 (SSE4.2, no AVX), as far as qemu imitates it.
if command -v qemu-x86_64 >/dev/null; then
  try_model nehalem qemu-x86_64 -cpu Nehalem
  cmp -s "$work/here-keep.json" "$work/nehalem-keep.json" || fail "on a Nehalem other experts stay"
else
  echo "static: no qemu-x86_64 here: not tried on an older processor" >&2
fi
status=0
run finetune "$model" --out "$work/run" 2>"$work/err" || status=$?
[ "$status" -eq 2 ] || fail "finetune ended with $status, expected 2"
grep -q 'needs the full build' "$work/err" || fail "finetune does not say where it is"
echo "static: $size bytes, static; files are pruned, a model runs, and what cannot be done is said"
