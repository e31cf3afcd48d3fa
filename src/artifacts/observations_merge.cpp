#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>
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

/// `get` of each part that has tokens (`need_tokens`) or has it at all; nothing where one of them lacks it.
template <typename Get>
auto found_in(std::span<const Observations> parts, std::span<const double> weights, std::size_t layer,
              bool need_tokens, Get get) {
  std::vector<std::pair<decltype(get(parts[0].layers[layer])), double>> found;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const LayerObservations& of_part = parts[part].layers[layer];
    if (const auto value = get(of_part)) {
      found.emplace_back(value, weights[part]);
    } else if (need_tokens && of_part.tokens > 0) {
      return decltype(found){};
    }
  }
  return found;
}

std::optional<ExpertMoments> merge_moments(
    const std::vector<std::pair<const ExpertMoments*, double>>& parts) {
  if (parts.empty()) return std::nullopt;
  const ExpertMoments& first = *parts.front().first;
  ExpertMoments merged = first;
  for (const MomentField& field : moment_fields())
    (merged.*field.values).assign((first.*field.values).size(), 0);
  merged.inputs = 0;
  for (const auto& [part, weight] : parts) {
    if (part->projected != first.projected || part->seed != first.seed) return std::nullopt;
    merged.add(*part, weight);
  }
  return merged;
}

template <typename Value>
void append(std::vector<Value>& to, const std::vector<Value>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

std::optional<TokenSamples> merge_samples(const std::vector<std::pair<const TokenSamples*, double>>& parts) {
  if (parts.empty()) return std::nullopt;
  TokenSamples merged;
  for (const auto& [part, weight] : parts) {
    for (const double own : part->weight) merged.weight.push_back(weight * own);
    append(merged.logits, part->logits);
    append(merged.gates, part->gates);
    append(merged.products, part->products);
  }
  return merged;
}

/// What is known of the likeness of a layer's experts.
void merge_similarity(std::span<const Observations> parts, std::span<const double> weights, std::size_t i,
                      LayerObservations& merged) {
  const auto pointer = [](const auto& value) { return value ? &*value : nullptr; };
  merged.every_expert = merge_moments(
      found_in(parts, weights, i, true, [&](const LayerObservations& l) { return pointer(l.every_expert); }));
  merged.probes = merge_moments(
      found_in(parts, weights, i, false, [&](const LayerObservations& l) { return pointer(l.probes); }));
  merged.samples = merge_samples(
      found_in(parts, weights, i, true, [&](const LayerObservations& l) { return pointer(l.samples); }));
  for (const Observations& part : parts) {
    const LayerObservations& layer = part.layers[i];
    if (merged.weight_cosine.empty()) merged.weight_cosine = layer.weight_cosine;
    if (merged.correction_bias.empty()) merged.correction_bias = layer.correction_bias;
  }
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
    if (!merged.router) merged.router = parts[part].router;
  }
  for (std::size_t i = 0; i < merged.layers.size(); ++i)
    merge_similarity(parts, weights, i, merged.layers[i]);
  merged.token_use = merge_token_use(parts, weights);
  return merged;
}

}  // namespace espalier
