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
  if (settings.has("attention_factor"))
    yarn.attention_factor = settings.number("attention_factor", {1e-6, 1e6});
  return yarn;
}

}  // namespace

RopeSettings::RopeSettings(ConfigFields& config) : fields_(config.fields()) {
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

Rotary RopeSettings::read(std::string_view layer_type, Rotary rotary) const {
  rotary.theta = fields_.number(kTheta, kThetas, rotary.theta);
  if (where_.empty()) return rotary;
  JsonObject settings = fields_.object(where_);
  if (by_type_ && !settings.has(layer_type))
    fields_.fail(where_, fmt::format("no settings for layers of the type {}", layer_type));
  if (by_type_) settings = settings.object(layer_type);
  rotary.theta = settings.number(kTheta, kThetas, rotary.theta);
  const std::string type =
      settings.has("rope_type") ? settings.string("rope_type") : settings.string("type", "default");
  if (type == "yarn")
    rotary.yarn =
        read_yarn(settings, fields_.integer("max_position_embeddings", kPositions, std::int64_t{1} << 15));
  else if (type == "linear")
    rotary.linear_factor = settings.number("factor", {1e-6, 1e6});
  else if (type != "default")
    fields_.fail(where_, fmt::format("found the type \"{}\", expected default, linear or yarn", type));
  return rotary;
}

void RopeSettings::apply(std::string_view layer_type, Mixer& mixer) const {
  if (auto* grouped = std::get_if<GroupedAttention>(&mixer); grouped != nullptr && grouped->rotary)
    grouped->rotary = read(layer_type, *grouped->rotary);
  auto* latent = std::get_if<LatentAttention>(&mixer);
  if (latent == nullptr) return;
  latent->rotary = read(layer_type, latent->rotary);
  if (const auto& yarn = latent->rotary.yarn) {  // mscale_all_dim counts twice: for queries and for keys
    const double m = yarn_mscale(yarn->factor, yarn->mscale_all_dim);
    latent->scale *= m * m;
  }
}

}  // namespace espalier::arch
