#include "arch/rope_settings.h"

#include <fmt/format.h>

#include <algorithm>

namespace espalier::arch {
namespace {

using nlohmann::json;

constexpr NumberRange kThetas{1.0, 1e12};
constexpr IntegerRange kPositions{1, std::int64_t{1} << 32};
constexpr std::string_view kTheta = "rope_theta", kScaling = "rope_scaling", kParameters = "rope_parameters";

/// {} says nothing, as null does.
bool says_anything(const json* value) {
  return value != nullptr && !(value->is_object() && value->empty());
}

Yarn read_yarn(JsonObject& settings, std::int64_t longest) {
  Yarn yarn;
  yarn.factor = settings.number("factor", {1.0, 1e6});
  yarn.beta_fast = settings.number("beta_fast", {1e-3, 1e6}, yarn.beta_fast);
  yarn.beta_slow = settings.number("beta_slow", {1e-3, 1e6}, yarn.beta_slow);
  yarn.mscale = settings.number("mscale", {0.0, 1e3}, yarn.mscale);
  yarn.mscale_all_dim = settings.number("mscale_all_dim", {0.0, 1e3}, yarn.mscale_all_dim);
  yarn.original_positions = settings.integer("original_max_position_embeddings", kPositions, longest);
  yarn.truncate = settings.boolean("truncate", true);
  if (settings.has("attention_factor"))
    yarn.attention_factor = settings.number("attention_factor", {1e-6, 1e6});
  return yarn;
}

LongRotary read_longer(JsonObject& settings) {
  LongRotary longer;
  longer.factor = settings.number("factor", {1.0, 1e6});
  longer.low = settings.number("low_freq_factor", {1e-3, 1e6});
  longer.high = settings.number("high_freq_factor", {longer.low, 1e6});
  longer.original_positions = settings.integer("original_max_position_embeddings", kPositions);
  return longer;
}

}  // namespace

RopeSettings::RopeSettings(ConfigFields& config, std::optional<double> turned_part)
    : fields_(config.fields()), turned_part_(turned_part) {
  if (says_anything(fields_.find_value(kScaling)))
    where_ = kScaling;
  else if (fields_.has(kParameters))
    where_ = kParameters;
  if (where_.empty()) return;
  const json& settings = fields_.value(where_);
  by_type_ = settings.is_object() && std::any_of(settings.begin(), settings.end(),
                                                 [](const json& value) { return value.is_object(); });
  note_contradictions();
}

void RopeSettings::note_contradictions() {
  const json& settings = fields_.value(where_);
  const json* parameters = fields_.find_value(kParameters);
  if (where_ == kScaling && says_anything(parameters) && *parameters != settings)
    notes_.push_back(
        fmt::format("config.json has {} and {}, which differ: {} alone counts, as in transformers (other "
                    "engines take {})",
                    kScaling, kParameters, kScaling, kParameters));
  const json* outside = fields_.find_value(kTheta);
  if (outside == nullptr || !settings.is_object()) return;
  const auto inside = settings.find(kTheta);
  if (inside != settings.end() && !inside->is_null() && *inside != *outside)
    notes_.push_back(
        fmt::format("config.json has two bases of rotary embeddings: {} in {} counts, {} {} does not",
                    inside->dump(), where_, kTheta, outside->dump()));
}

std::optional<JsonObject> RopeSettings::settings_of(std::string_view layer_type) const {
  if (where_.empty()) return std::nullopt;
  JsonObject settings = fields_.object(where_);
  if (!by_type_) return settings;
  if (!settings.has(layer_type))
    fields_.fail(where_, fmt::format("no settings for layers of the type {}", layer_type));
  return settings.object(layer_type);
}

double RopeSettings::number(std::string_view key, std::size_t layer, NumberRange range,
                            double fallback) const {
  const json* found = fields_.find_value(key);
  if (found == nullptr || !found->is_array()) return fields_.number(key, range, fallback);
  const auto list = fields_.numbers(key, range);
  if (layer >= list.size())
    fields_.fail(key, fmt::format("the list has {} entries, but there is a block {}", list.size(), layer));
  return list[layer];
}

std::int64_t RopeSettings::turned_width(std::string_view layer_type, std::size_t layer,
                                        std::int64_t head) const {
  constexpr std::string_view kPart = "partial_rotary_factor", kPartsOfLayers = "partial_rotary_factors";
  constexpr NumberRange kParts{1e-3, 1.0};
  double part = number(fields_.has(kPartsOfLayers) ? kPartsOfLayers : kPart, layer, kParts, *turned_part_);
  if (auto settings = settings_of(layer_type)) part = settings->number(kPart, kParts, part);
  const auto width = static_cast<std::int64_t>(static_cast<double>(head) * part);
  if (width < 2 || width % 2 != 0)
    fields_.fail(kPart, fmt::format("{} of {} is {}, expected an even width", part, head, width));
  return width;
}

Rotary RopeSettings::read(std::string_view layer_type, std::size_t layer, Rotary rotary) const {
  rotary.theta = number(kTheta, layer, kThetas, rotary.theta);
  auto found = settings_of(layer_type);
  if (!found) return rotary;
  JsonObject& settings = *found;
  rotary.theta = settings.number(kTheta, kThetas, rotary.theta);
  const std::string type =
      settings.has("rope_type") ? settings.string("rope_type") : settings.string("type", "default");
  if (type == "yarn")
    rotary.yarn =
        read_yarn(settings, fields_.integer("max_position_embeddings", kPositions, std::int64_t{1} << 15));
  else if (type == "linear")
    rotary.linear_factor = settings.number("factor", {1e-6, 1e6});
  else if (type == "llama3")
    rotary.longer = read_longer(settings);
  else if (type != "default")
    fields_.fail(where_,
                 fmt::format("found the type \"{}\", expected default, linear, llama3 or yarn", type));
  return rotary;
}

void RopeSettings::apply(std::string_view layer_type, std::size_t layer, Mixer& mixer) const {
  if (auto* grouped = std::get_if<GroupedAttention>(&mixer); grouped != nullptr && grouped->rotary) {
    grouped->rotary = read(layer_type, layer, *grouped->rotary);
    if (turned_part_) grouped->rotary->width = turned_width(layer_type, layer, grouped->key_width);
  }
  auto* latent = std::get_if<LatentAttention>(&mixer);
  if (latent == nullptr) return;
  latent->rotary = read(layer_type, layer, latent->rotary);
  if (const auto& yarn = latent->rotary.yarn) {  // mscale_all_dim counts twice: for queries and for keys
    const double m = yarn_mscale(yarn->factor, yarn->mscale_all_dim);
    latent->scale *= m * m;
  }
}

}  // namespace espalier::arch
