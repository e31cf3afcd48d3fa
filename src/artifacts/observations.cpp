#include "artifacts/observations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "artifacts/layer_entry.h"
#include "artifacts/observation_fields.h"
#include "base/error.h"

namespace espalier {
namespace {

using Layer = LayerObservations;

constexpr ObservationField kFields[] = {
    {"routed", &Layer::routed},
    {"top1", &Layer::top1},
    {"gate_sum", &Layer::gate_sum},
    {"top1_gate_sum", &Layer::top1_gate_sum},
    {"score_sum", &Layer::score_sum},
    {"norm_sum", &Layer::norm_sum},
    {"norm_max", &Layer::norm_max, FieldShape::kExperts, FieldMerge::kMaximum},
    {"weighted_norm_sum", &Layer::weighted_norm_sum},
    {"weighted_norm_max", &Layer::weighted_norm_max, FieldShape::kExperts, FieldMerge::kMaximum},
    {"output_sum", &Layer::output_sum, FieldShape::kExpertsByWidth, FieldMerge::kSum, FieldSign::kAny},
    {"logit_sum", &Layer::logit_sum, FieldShape::kExperts, FieldMerge::kSum, FieldSign::kAny},
    {"logit_product_sum", &Layer::logit_product_sum, FieldShape::kExpertsByExperts, FieldMerge::kSum,
     FieldSign::kAny},
    {"together", &Layer::together, FieldShape::kExpertsByExperts},
};

void expect_numbers(std::span<const double> values, FieldSign sign, int layer, std::string_view name,
                    std::string_view where) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]) && (values[i] >= 0 || sign == FieldSign::kAny)) continue;
    throw UserError(fmt::format("{}: layers.{}.{}: value {} is {}, expected a finite number{}", where, layer,
                                name, i, values[i], sign == FieldSign::kAny ? "" : " of at least 0"),
                    "the calibration run overflowed, or the file is damaged");
  }
}

void expect_size(std::size_t found, std::size_t expected, int layer, std::string_view name,
                 std::string_view where) {
  if (found == expected) return;
  throw UserError(
      fmt::format("{}: layers.{}.{}: {} values, expected {}", where, layer, name, found, expected),
      kObserveAgain);
}

void validate_moments(const ExpertMoments& moments, const Layer& layer, std::string_view group,
                      std::string_view where) {
  for (const MomentField& field : moment_fields()) {
    const std::string name = fmt::format("{}.{}", group, field.name);
    expect_size((moments.*field.values).size(), field.size(layer.experts(), layer.width(), moments.projected),
                layer.layer, name, where);
    expect_numbers(moments.*field.values, FieldSign::kAny, layer.layer, name, where);
  }
}

void validate_samples(const TokenSamples& samples, const Layer& layer, std::string_view where) {
  const std::size_t S = samples.tokens(), E = layer.experts();
  expect_numbers(samples.weight, FieldSign::kNotNegative, layer.layer, "samples.weight", where);
  const std::tuple<std::string_view, const std::vector<float>*, std::size_t> rows[] = {
      {"samples.logits", &samples.logits, S * E},
      {"samples.gates", &samples.gates, S * E},
      {"samples.products", &samples.products, S * pair_count(E)}};
  for (const auto& [name, values, expected] : rows) {
    expect_size(values->size(), expected, layer.layer, name, where);
    for (std::size_t i = 0; i < values->size(); ++i) {
      if (std::isfinite((*values)[i])) continue;
      throw UserError(
          fmt::format("{}: layers.{}.{}: value {} is {}", where, layer.layer, name, i, (*values)[i]),
          "the calibration run overflowed, or the file is damaged");
    }
  }
}

void validate_similarity(const Layer& layer, std::string_view where) {
  if (layer.every_expert) validate_moments(*layer.every_expert, layer, "every_expert", where);
  if (layer.probes) validate_moments(*layer.probes, layer, "probes", where);
  if (layer.samples) validate_samples(*layer.samples, layer, where);
  const std::size_t E = layer.experts();
  if (!layer.weight_cosine.empty()) {
    expect_size(layer.weight_cosine.size(), E * E, layer.layer, "weight_cosine", where);
    expect_numbers(layer.weight_cosine, FieldSign::kAny, layer.layer, "weight_cosine", where);
  }
  if (!layer.correction_bias.empty())
    expect_size(layer.correction_bias.size(), E, layer.layer, "correction_bias", where);
}

void validate_layer(const Layer& layer, std::string_view where) {
  if (layer.experts() == 0 || layer.experts() > kMostExperts) {
    throw UserError(fmt::format("{}: layers.{}.routed: {} entries, expected 1 to {}", where, layer.layer,
                                layer.experts(), kMostExperts),
                    kObserveAgain);
  }
  expect_numbers({&layer.tokens, 1}, FieldSign::kNotNegative, layer.layer, "tokens", where);
  expect_numbers({&layer.entropy_sum, 1}, FieldSign::kNotNegative, layer.layer, "entropy_sum", where);
  for (const ObservationField& field : kFields) {
    const std::vector<double>& values = layer.*field.values;
    const std::size_t expected = field_size(field.shape, layer.experts(), layer.width());
    if (values.size() != expected) {
      throw UserError(fmt::format("{}: layers.{}.{}: {} values, expected {}", where, layer.layer, field.name,
                                  values.size(), expected),
                      kObserveAgain);
    }
    expect_numbers(values, field.sign, layer.layer, field.name, where);
  }
  validate_similarity(layer, where);
}

/// Experts of a layer; throws for a layer that was not observed and an expert that is not there.
void expect_expert(const Observations& observations, int layer, int expert, std::string_view where,
                   std::string_view item, std::size_t index) {
  const auto found = std::lower_bound(observations.layers.begin(), observations.layers.end(), layer,
                                      [](const Layer& l, int number) { return l.layer < number; });
  if (found == observations.layers.end() || found->layer != layer) {
    throw UserError(fmt::format("{}: {}[{}]: block {} was not observed", where, item, index, layer),
                    kObserveAgain);
  }
  if (expert < 0 || static_cast<std::size_t>(expert) >= found->experts()) {
    throw UserError(fmt::format("{}: {}[{}]: there is no expert {} in block {}, expected 0 to {}", where,
                                item, index, expert, layer, found->experts() - 1),
                    kObserveAgain);
  }
}

void validate_token_use(const Observations& observations, std::string_view where) {
  const TokenUse& use = observations.token_use;
  if (use.layer.size() != use.size() || use.expert.size() != use.size() || use.count.size() != use.size()) {
    throw UserError(
        fmt::format("{}: token_use: {} tokens, {} layers, {} experts, {} counts, expected as many", where,
                    use.size(), use.layer.size(), use.expert.size(), use.count.size()),
        kObserveAgain);
  }
  for (std::size_t i = 0; i < use.size(); ++i) {
    const auto key = [&](std::size_t at) { return std::tuple(use.layer[at], use.expert[at], use.token[at]); };
    if (i > 0 && key(i) <= key(i - 1)) {
      throw UserError(fmt::format("{}: token_use[{}]: not in the order of layer, expert, token", where, i),
                      kObserveAgain);
    }
    expect_expert(observations, use.layer[i], use.expert[i], where, "token_use", i);
    if (use.token[i] < 0 || use.token[i] > INT32_MAX || !std::isfinite(use.count[i]) || use.count[i] < 0) {
      throw UserError(
          fmt::format("{}: token_use[{}]: token {} {} times", where, i, use.token[i], use.count[i]),
          kObserveAgain);
    }
  }
}

void validate_examples(const Observations& observations, std::string_view where) {
  for (std::size_t i = 0; i < observations.examples.size(); ++i) {
    const TokenExample& example = observations.examples[i];
    expect_expert(observations, example.layer, example.expert, where, "examples", i);
    if (example.source >= 0 && static_cast<std::size_t>(example.source) < observations.data.size()) continue;
    throw UserError(fmt::format("{}: examples[{}].source: there is no data {}, the file names {}", where, i,
                                example.source, observations.data.size()),
                    kObserveAgain);
  }
}

void validate_head(const Observations& observations, std::string_view where) {
  expect_sha256(observations.topology_sha256, where, "topology_sha256");
  const int groups = observations.router_groups;
  if (observations.experts_per_token < 1 || groups < 1 || observations.router_top_groups < 1 ||
      observations.router_top_groups > groups) {
    throw UserError(
        fmt::format("{}: {} experts per token from {} of {} groups, expected at least one of each", where,
                    observations.experts_per_token, observations.router_top_groups, groups),
        kObserveAgain);
  }
  for (std::size_t i = 0; i < observations.data.size(); ++i) {
    const double weight = observations.data[i].weight;
    if (std::isfinite(weight) && weight > 0) continue;
    throw UserError(fmt::format("{}: data[{}].weight: found {}, expected a number over 0", where, i, weight),
                    kObserveAgain);
  }
}

}  // namespace

std::span<const ObservationField> observation_fields() {
  return kFields;
}

std::size_t field_size(FieldShape shape, std::size_t experts, std::size_t width) {
  switch (shape) {
    case FieldShape::kExperts:
      return experts;
    case FieldShape::kExpertsByWidth:
      return experts * width;
    case FieldShape::kExpertsByExperts:
      return experts * experts;
  }
  throw InternalError("a field of observations without a shape");
}

LayerObservations::LayerObservations(int layer_number, std::size_t experts, std::size_t width)
    : layer(layer_number) {
  for (const ObservationField& field : kFields) {
    (this->*field.values).assign(field_size(field.shape, experts, width), 0.0);
  }
}

void LayerObservations::add(const LayerObservations& other, double weight) {
  tokens += weight * other.tokens;
  entropy_sum += weight * other.entropy_sum;
  for (const ObservationField& field : kFields) {
    std::vector<double>& to = this->*field.values;
    const std::vector<double>& from = other.*field.values;
    if (from.size() != to.size()) {
      throw InternalError(fmt::format("observations of block {}: {} and {} values of {}", layer, to.size(),
                                      from.size(), field.name));
    }
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i] = field.merge == FieldMerge::kSum ? to[i] + weight * from[i] : std::max(to[i], from[i]);
    }
  }
}

void TokenUse::push_back(std::int64_t id, int in_layer, int to_expert, double times) {
  token.push_back(id);
  layer.push_back(in_layer);
  expert.push_back(to_expert);
  count.push_back(times);
}

void validate(const Observations& observations, std::string_view where) {
  validate_head(observations, where);
  int before = -1;
  for (std::size_t i = 0; i < observations.layers.size(); ++i) {
    const LayerEntry entry(where, i);
    entry.expect_layer_after(observations.layers[i].layer, before);
    before = observations.layers[i].layer;
    validate_layer(observations.layers[i], where);
  }
  validate_token_use(observations, where);
  validate_examples(observations, where);
}

}  // namespace espalier
