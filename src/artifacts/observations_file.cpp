#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <map>

#include "artifacts/json_fields.h"
#include "artifacts/observation_fields.h"
#include "artifacts/observations.h"
#include "artifacts/observations_json.h"
#include "base/error.h"
#include "base/nearest.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/mapped_file.h"
#include "checkpoint/safetensors.h"

namespace espalier {
namespace {

constexpr const char* kFormatKey = "format";
constexpr const char* kFormat = "espalier.observations/1";
constexpr const char* kHeadKey = "observations";
constexpr const char* kTexts = "texts";  // U8: JSON

using TensorShape = std::vector<std::int64_t>;

std::string field_tensor(int layer, std::string_view field) {
  return fmt::format("layers.{}.{}", layer, field);
}

TensorShape shape_of(FieldShape shape, std::int64_t experts, std::int64_t width) {
  switch (shape) {
    case FieldShape::kExperts:
      return {experts};
    case FieldShape::kExpertsByWidth:
      return {experts, width};
    case FieldShape::kExpertsByExperts:
      return {experts, experts};
  }
  throw InternalError("a field of observations without a shape");
}

template <typename Value>
TensorSource source(std::string name, Dtype dtype, TensorShape shape, const std::vector<Value>& values) {
  return {std::move(name), dtype, std::move(shape), [&values](std::span<std::byte> to) {
            if (!to.empty()) std::memcpy(to.data(), values.data(), to.size());
          }};
}

/// Tensors of one file by name, each taken once with its expected dtype and shape.
class Tensors {
 public:
  Tensors(std::span<const std::byte> file, const SafetensorsHeader& header, std::string_view where)
      : file_(file), where_(where) {
    for (const SafetensorsEntry& entry : header.tensors) left_.emplace(entry.name, &entry);
  }

  template <typename Value>
  std::vector<Value> take(const std::string& name, Dtype dtype, const TensorShape& shape) {
    const auto [entry, bytes] = take_bytes(name, dtype);
    if (entry->shape != shape) {
      throw UserError(fmt::format("{}: tensor {} is [{}], expected [{}]", where_, name,
                                  fmt::join(entry->shape, ", "), fmt::join(shape, ", ")),
                      kObserveAgain);
    }
    return values<Value>(bytes);
  }
  /// One dimension of any length.
  template <typename Value>
  std::vector<Value> take_list(const std::string& name, Dtype dtype) {
    const auto [entry, bytes] = take_bytes(name, dtype);
    if (entry->shape.size() != 1) {
      throw UserError(
          fmt::format("{}: tensor {} has {} dimensions, expected 1", where_, name, entry->shape.size()),
          kObserveAgain);
    }
    return values<Value>(bytes);
  }
  void expect_none_left() const {
    if (left_.empty()) return;
    throw UserError(fmt::format("{}: unknown tensor {}", where_, left_.begin()->first),
                    suggestion(left_.begin()->first, taken_names()));
  }

 private:
  std::pair<const SafetensorsEntry*, std::span<const std::byte>> take_bytes(const std::string& name,
                                                                            Dtype dtype) {
    const auto found = left_.find(name);
    if (found == left_.end())
      throw UserError(fmt::format("{}: there is no tensor {}", where_, name), kObserveAgain);
    const SafetensorsEntry* entry = found->second;
    if (entry->dtype != dtype) {
      throw UserError(fmt::format("{}: tensor {} is {}, expected {}", where_, name,
                                  espalier::name(entry->dtype), espalier::name(dtype)),
                      kObserveAgain);
    }
    left_.erase(found);
    taken_.push_back(entry);
    return {entry, file_.subspan(entry->begin, entry->end - entry->begin)};
  }
  template <typename Value>
  static std::vector<Value> values(std::span<const std::byte> bytes) {
    std::vector<Value> result(bytes.size() / sizeof(Value));
    if (!bytes.empty()) std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  std::vector<std::string_view> taken_names() const {
    std::vector<std::string_view> names;
    for (const SafetensorsEntry* entry : taken_) names.push_back(entry->name);
    return names;
  }

  std::span<const std::byte> file_;
  std::string_view where_;
  std::map<std::string_view, const SafetensorsEntry*> left_;
  std::vector<const SafetensorsEntry*> taken_;
};

std::string metadata_text(const SafetensorsHeader& header, const char* key, std::string_view where) {
  const auto found = header.metadata.find(key);
  if (found != header.metadata.end()) return found->second;
  throw UserError(fmt::format("{}: not a file of observations: its metadata have no \"{}\"", where, key),
                  "name what `espalier observe` wrote");
}

void expect_format(const SafetensorsHeader& header, std::string_view where) {
  const std::string found = metadata_text(header, kFormatKey, where);
  if (found == kFormat) return;
  throw UserError(fmt::format("{}: format: found \"{}\", expected \"{}\"", where, found, kFormat),
                  found.starts_with("espalier.observations/") ? "the file is from another version of espalier"
                                                              : "this is another kind of file");
}

void add_moments(std::vector<TensorSource>& tensors, const std::string& prefix, const ExpertMoments& moments,
                 const LayerObservations& layer) {
  for (const MomentField& field : moment_fields())
    tensors.push_back(source(prefix + std::string(field.name), Dtype::kF64,
                             field.dimensions(layer.experts(), layer.width(), moments.projected),
                             moments.*field.values));
}

void add_samples(std::vector<TensorSource>& tensors, const std::string& prefix, const TokenSamples& samples,
                 std::size_t experts) {
  const auto S = static_cast<std::int64_t>(samples.tokens()), E = static_cast<std::int64_t>(experts);
  tensors.push_back(source(prefix + "weight", Dtype::kF64, {S}, samples.weight));
  tensors.push_back(source(prefix + "logits", Dtype::kF32, {S, E}, samples.logits));
  tensors.push_back(source(prefix + "gates", Dtype::kF32, {S, E}, samples.gates));
  tensors.push_back(source(prefix + "products", Dtype::kF32,
                           {S, static_cast<std::int64_t>(pair_count(experts))}, samples.products));
}

/// What only observations with similarity have.
void add_similarity(std::vector<TensorSource>& tensors, const LayerObservations& layer) {
  const auto prefix = [&](std::string_view group) { return field_tensor(layer.layer, group) + "."; };
  const auto experts = static_cast<std::int64_t>(layer.experts());
  if (layer.every_expert) add_moments(tensors, prefix("every_expert"), *layer.every_expert, layer);
  if (layer.probes) add_moments(tensors, prefix("probes"), *layer.probes, layer);
  if (layer.samples) add_samples(tensors, prefix("samples"), *layer.samples, layer.experts());
  if (!layer.weight_cosine.empty())
    tensors.push_back(source(field_tensor(layer.layer, "weight_cosine"), Dtype::kF64, {experts, experts},
                             layer.weight_cosine));
  if (!layer.correction_bias.empty())
    tensors.push_back(
        source(field_tensor(layer.layer, "correction_bias"), Dtype::kF32, {experts}, layer.correction_bias));
}

void add_layer(std::vector<TensorSource>& tensors, const LayerObservations& layer) {
  const auto experts = static_cast<std::int64_t>(layer.experts());
  const auto width = static_cast<std::int64_t>(layer.width());
  add_similarity(tensors, layer);
  for (const ObservationField& field : observation_fields()) {
    tensors.push_back(source(field_tensor(layer.layer, field.name), Dtype::kF64,
                             shape_of(field.shape, experts, width), layer.*field.values));
  }
}

void take_layer(Tensors& tensors, LayerObservations& layer, std::int64_t experts, std::int64_t width) {
  for (const ObservationField& field : observation_fields()) {
    layer.*field.values = tensors.take<double>(field_tensor(layer.layer, field.name), Dtype::kF64,
                                               shape_of(field.shape, experts, width));
  }
}

void take_moments(Tensors& tensors, const std::string& prefix, ExpertMoments& moments, std::int64_t experts,
                  std::int64_t width) {
  for (const MomentField& field : moment_fields())
    moments.*field.values =
        tensors.take<double>(prefix + std::string(field.name), Dtype::kF64,
                             field.dimensions(static_cast<std::size_t>(experts),
                                              static_cast<std::size_t>(width), moments.projected));
}

TokenSamples take_samples(Tensors& tensors, const std::string& prefix, std::int64_t count,
                          std::int64_t experts) {
  TokenSamples samples;
  samples.weight = tensors.take<double>(prefix + "weight", Dtype::kF64, {count});
  samples.logits = tensors.take<float>(prefix + "logits", Dtype::kF32, {count, experts});
  samples.gates = tensors.take<float>(prefix + "gates", Dtype::kF32, {count, experts});
  const auto pairs = static_cast<std::int64_t>(pair_count(static_cast<std::size_t>(experts)));
  samples.products = tensors.take<float>(prefix + "products", Dtype::kF32, {count, pairs});
  return samples;
}

void take_similarity(Tensors& tensors, const ObservationsHead& head, std::size_t i,
                     LayerObservations& layer) {
  const std::int64_t experts = head.experts[i], width = head.widths[i];
  const auto prefix = [&](std::string_view group) { return field_tensor(layer.layer, group) + "."; };
  if (layer.every_expert) take_moments(tensors, prefix("every_expert"), *layer.every_expert, experts, width);
  if (layer.probes) take_moments(tensors, prefix("probes"), *layer.probes, experts, width);
  if (head.samples[i])
    layer.samples =
        take_samples(tensors, prefix("samples"), static_cast<std::int64_t>(*head.samples[i]), experts);
  if (head.weight_cosine[i])
    layer.weight_cosine =
        tensors.take<double>(field_tensor(layer.layer, "weight_cosine"), Dtype::kF64, {experts, experts});
  if (head.correction_bias[i])
    layer.correction_bias =
        tensors.take<float>(field_tensor(layer.layer, "correction_bias"), Dtype::kF32, {experts});
}

TokenUse take_token_use(Tensors& tensors) {
  TokenUse use;
  const auto ids = tensors.take_list<std::int32_t>("token_use.token", Dtype::kI32);
  use.token.assign(ids.begin(), ids.end());
  use.layer = tensors.take_list<int>("token_use.layer", Dtype::kI32);
  use.expert = tensors.take_list<int>("token_use.expert", Dtype::kI32);
  use.count = tensors.take_list<double>("token_use.count", Dtype::kF64);
  return use;
}

}  // namespace

void write_observations(const std::filesystem::path& file, const Observations& observations) {
  validate(observations, file.string());
  std::vector<TensorSource> tensors;
  for (const LayerObservations& layer : observations.layers) add_layer(tensors, layer);
  const TokenUse& use = observations.token_use;
  const std::vector<std::int32_t> ids(use.token.begin(), use.token.end());  // `validate` knows the range
  const TensorShape pairs{static_cast<std::int64_t>(use.size())};
  tensors.push_back(source("token_use.token", Dtype::kI32, pairs, ids));
  tensors.push_back(source("token_use.layer", Dtype::kI32, pairs, use.layer));
  tensors.push_back(source("token_use.expert", Dtype::kI32, pairs, use.expert));
  tensors.push_back(source("token_use.count", Dtype::kF64, pairs, use.count));
  const std::string text = to_json_text(texts_to_json(observations), -1);
  const std::vector<char> texts(text.begin(), text.end());
  tensors.push_back(source(kTexts, Dtype::kU8, {static_cast<std::int64_t>(texts.size())}, texts));
  write_safetensors(file, std::move(tensors),
                    {{kFormatKey, kFormat}, {kHeadKey, to_json_text(head_to_json(observations), -1)}});
}

Observations observations_from_bytes(std::span<const std::byte> bytes, std::string_view where) {
  const SafetensorsHeader header = parse_safetensors(bytes, where);
  expect_format(header, where);
  ObservationsHead head =
      head_from_json(metadata_text(header, kHeadKey, where), fmt::format("{} (metadata)", where));
  Observations& observations = head.observations;
  Tensors tensors(bytes, header, where);
  for (std::size_t i = 0; i < observations.layers.size(); ++i) {
    take_layer(tensors, observations.layers[i], head.experts[i], head.widths[i]);
    take_similarity(tensors, head, i, observations.layers[i]);
  }
  observations.token_use = take_token_use(tensors);
  const std::vector<char> texts = tensors.take_list<char>(kTexts, Dtype::kU8);
  texts_from_json({texts.data(), texts.size()}, fmt::format("{} (texts)", where), observations);
  tensors.expect_none_left();
  validate(observations, where);
  return std::move(observations);
}

Observations read_observations(const std::filesystem::path& file) {
  const MappedFile mapping(file);
  return observations_from_bytes(mapping.bytes(), file.string());
}

}  // namespace espalier
