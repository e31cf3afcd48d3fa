#pragma once

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
  explicit RopeSettings(ConfigFields& config);

  /// Whether layers of different types turn differently.
  bool by_type() const { return by_type_; }
  /// The settings of a layer of this type ("full_attention") into a mixer that is read but for them: width,
  /// pairs and the family's base are there.
  void apply(std::string_view layer_type, Mixer& mixer) const;
  /// Where settings contradict each other, which counts.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void note_contradictions();
  Rotary read(std::string_view layer_type, Rotary rotary) const;

  JsonObject& fields_;
  std::string where_;  // the field that counts; empty: neither is there
  bool by_type_ = false;
  std::vector<std::string> notes_;
};

}  // namespace espalier::arch
