#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/config_fields.h"

namespace espalier::arch {

/// The settings of rotary embeddings in config.json, of which there are three generations: "rope_theta" with
/// "rope_scaling" beside it; both in "rope_parameters"; "rope_parameters" with such an object for each type
/// of layer. Several may be there. What counts is what transformers takes: "rope_scaling" where it says
/// anything, else "rope_parameters"; the base in the one that counts, else "rope_theta".
class RopeSettings {
 public:
  /// `turned_part`: of each head of grouped attention, where nothing tells otherwise; absent: the family
  /// turns all of it.
  explicit RopeSettings(ConfigFields& config, std::optional<double> turned_part = {});

  /// Whether layers of different types turn differently.
  bool by_type() const { return by_type_; }
  /// The settings of a layer of this type ("full_attention") into a mixer that is read but for them: width,
  /// pairs and the family's base are there.
  void apply(std::string_view layer_type, std::size_t layer, Mixer& mixer) const;
  /// Where settings contradict each other, which counts.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void note_contradictions();
  /// The object that has the settings of a type of layers; nullopt: none has.
  std::optional<JsonObject> settings_of(std::string_view layer_type) const;
  Rotary read(std::string_view layer_type, std::size_t layer, Rotary rotary) const;
  /// A number of all layers, or a list with one for each.
  double number(std::string_view key, std::size_t layer, NumberRange range, double fallback) const;
  std::int64_t turned_width(std::string_view layer_type, std::size_t layer, std::int64_t head) const;

  JsonObject& fields_;
  std::optional<double> turned_part_;
  std::string where_;  // the field that counts; empty: neither is there
  bool by_type_ = false;
  std::vector<std::string> notes_;
};

}  // namespace espalier::arch
