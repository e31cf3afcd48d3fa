#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "artifacts/observations.h"
#include "base/error.h"

namespace espalier {
namespace {

constexpr const char* kOneModel = "observations can be merged when they are of one model";

void expect_weights(std::size_t parts, std::span<const double> weights) {
  if (parts == 0) throw UserError("merge: no observations", "name at least one file");
  if (weights.size() != parts) {
    throw UserError(fmt::format("merge: {} weights for {} observations", weights.size(), parts),
                    "give one weight for each file, or none");
  }
  for (const double weight : weights) {
    if (std::isfinite(weight) && weight > 0) continue;
    throw UserError(fmt::format("merge: weight {}, expected a number over 0", weight),
                    "leave a file out instead of giving it no weight");
  }
}

template <typename Value>
void expect_same(std::string_view what, const Value& first, const Value& other, std::size_t index) {
  if (first == other) return;
  throw UserError(fmt::format("merge: {} of file {} is {}, of file 1 {}", what, index + 1, other, first),
                  kOneModel);
}

void expect_one_model(const Observations& first, const Observations& other, std::size_t index) {
  expect_same("model_type", first.model_type, other.model_type, index);
  expect_same("topology_sha256", first.topology_sha256, other.topology_sha256, index);
  expect_same("experts_per_token", first.experts_per_token, other.experts_per_token, index);
  expect_same("the number of router groups", first.router_groups, other.router_groups, index);
  expect_same("the number of groups per token", first.router_top_groups, other.router_top_groups, index);
  expect_same("the number of MoE layers", first.layers.size(), other.layers.size(), index);
  for (std::size_t i = 0; i < first.layers.size(); ++i) {
    const LayerObservations &a = first.layers[i], &b = other.layers[i];
    expect_same(fmt::format("MoE layer {}", i), a.layer, b.layer, index);
    expect_same(fmt::format("the number of experts of block {}", a.layer), a.experts(), b.experts(), index);
    expect_same(fmt::format("the width of block {}", a.layer), a.width(), b.width(), index);
  }
}

/// A (token, expert) pair of one part.
struct WeightedPair {
  std::tuple<int, int, std::int64_t> key;  // layer, expert, token
  double count = 0.0;
};

TokenUse merge_token_use(std::span<const Observations> parts, std::span<const double> weights) {
  std::vector<WeightedPair> pairs;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const TokenUse& use = parts[part].token_use;
    for (std::size_t i = 0; i < use.size(); ++i) {
      pairs.push_back({{use.layer[i], use.expert[i], use.token[i]}, weights[part] * use.count[i]});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  TokenUse merged;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [layer, expert, token] = pairs[i].key;
    if (i > 0 && pairs[i].key == pairs[i - 1].key) {
      merged.count.back() += pairs[i].count;
    } else {
      merged.push_back(token, layer, expert, pairs[i].count);
    }
  }
  return merged;
}

/// Data and examples of `part`, whose `source` counts on from those that are there.
void append_part(Observations& merged, const Observations& part, double weight) {
  const int sources = static_cast<int>(merged.data.size());
  for (ObservedData data : part.data) {
    data.weight *= weight;
    merged.data.push_back(std::move(data));
  }
  for (TokenExample example : part.examples) {
    example.source += sources;
    merged.examples.push_back(std::move(example));
  }
  merged.token_text.insert(part.token_text.begin(), part.token_text.end());
  if (merged.hidden_dtype != part.hidden_dtype) merged.hidden_dtype = "mixed";
}

}  // namespace

Observations merge(std::span<const Observations> parts, std::span<const double> weights) {
  expect_weights(parts.size(), weights);
  for (std::size_t i = 1; i < parts.size(); ++i) expect_one_model(parts[0], parts[i], i);
  Observations merged = parts[0];
  merged.data.clear();
  merged.examples.clear();
  for (LayerObservations& layer : merged.layers) {
    const std::uint64_t expert_bytes = layer.expert_bytes;
    layer = LayerObservations(layer.layer, layer.experts(), layer.width());
    layer.expert_bytes = expert_bytes;
  }
  for (std::size_t part = 0; part < parts.size(); ++part) {
    for (std::size_t i = 0; i < merged.layers.size(); ++i) {
      merged.layers[i].add(parts[part].layers[i], weights[part]);
    }
    append_part(merged, parts[part], weights[part]);
  }
  merged.token_use = merge_token_use(parts, weights);
  return merged;
}

}  // namespace espalier
