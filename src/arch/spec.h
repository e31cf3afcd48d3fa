#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "arch/block_spec.h"

namespace espalier::arch {

/// Token embeddings.
struct TextInput {
  std::int64_t vocabulary = 0;   // V
  std::int64_t positions = 0;    // the longest sequence; 0: no limit
  bool position_table = false;   // embeddings of positions [positions, D] are added
  std::int64_t token_types = 0;  // embeddings [token_types, D] are added; 0: none
  std::optional<Norm> norm;      // of the sum
  double multiplier = 1.0;       // of the embeddings
  std::optional<std::int64_t> bos_token, eos_token, pad_token;

  bool operator==(const TextInput&) const = default;
};

/// Square images, cut into square patches; a class token stands before them. Positions are a table.
struct ImageInput {
  std::int64_t image_size = 0;  // pixels along a side; three channels
  std::int64_t patch_size = 0;  // divides it

  std::int64_t patches() const { return (image_size / patch_size) * (image_size / patch_size); }
  std::int64_t positions() const { return patches() + 1; }
  std::int64_t patch_values() const { return 3 * patch_size * patch_size; }
  bool operator==(const ImageInput&) const = default;
};

enum class ProblemType { kSingleLabel, kMultiLabel, kRegression };

/// Next-token logits [V].
struct LanguageHead {
  bool tied = false;  // its weight is the token embeddings
  bool bias = false;
  double multiplier = 1.0;             // of the logits
  std::optional<double> softcap = {};  // c tanh(logits / c) of them, after the multiplier

  bool operator==(const LanguageHead&) const = default;
};

/// What may stand on the last block. Which of an encoder's heads there are, its checkpoint says.
struct Heads {
  std::optional<LanguageHead> language;
  bool masked_words = false;        // transform, norm, the token embeddings and a bias [V]
  bool pooler = false;              // tanh(W x + b) of the first token
  bool classifier = false;          // linear, on the pooler or on the class token
  std::vector<std::string> labels;  // of the classifier; empty: the config names none
  std::optional<ProblemType> problem_type;

  /// Outputs of the classifier; 2 where the config says nothing.
  std::int64_t label_count() const { return labels.empty() ? 2 : static_cast<std::int64_t>(labels.size()); }
  bool operator==(const Heads&) const = default;
};

/// Multi-token-prediction layers after the last block, which the model itself does not run.
struct NextTokenLayers {
  std::int64_t layers = 0;
  std::int64_t experts =
      0;  // E of each; 0 where config.json has a list of counts, which has no place for them

  bool operator==(const NextTokenLayers&) const = default;
};

/// What only training asks for.
struct TrainingSettings {
  double hidden_dropout = 0.0, attention_dropout = 0.0;
  std::optional<double> classifier_dropout;  // absent: hidden_dropout
  double initializer_range = 0.02;           // standard deviation of new weights

  double dropout_before_classifier() const { return classifier_dropout.value_or(hidden_dropout); }
  bool operator==(const TrainingSettings&) const = default;
};

/// A model, as its config.json describes it. What a family can express besides is in families.h.
struct ModelSpec {
  std::string family;      // model_type
  std::int64_t width = 0;  // D
  std::variant<TextInput, ImageInput> input;
  std::vector<BlockSpec> blocks;    // of an encoder-decoder: the encoder's, then the decoder's
  std::int64_t encoder_blocks = 0;  // of an encoder-decoder; else 0
  std::optional<Norm> final_norm;
  Heads heads;
  NextTokenLayers next_token;
  /// Members of an ensemble, each with a contiguous part of every layer's experts (Allingham et al. 2022).
  std::int64_t members = 1;
  TrainingSettings training;
  /// For people: where config.json contradicts itself, what was taken.
  std::vector<std::string> notes;

  const TextInput& text() const { return std::get<TextInput>(input); }
  const ImageInput& image() const { return std::get<ImageInput>(input); }
  std::int64_t layers() const { return static_cast<std::int64_t>(blocks.size()); }  // L
  const BlockSpec& block(std::int64_t layer) const { return blocks.at(static_cast<std::size_t>(layer)); }
  std::int64_t positions() const {
    return std::visit(
        [](const auto& i) -> std::int64_t {
          if constexpr (requires { i.positions(); })
            return i.positions();
          else
            return i.positions;
        },
        input);
  }

  bool operator==(const ModelSpec&) const = default;
};

/// The MoE layers of a model: its blocks' numbers, ascending.
std::vector<std::int64_t> moe_layers(const ModelSpec& spec);
/// The settings that all MoE layers of a model share: those of the first; nullptr without any.
const MixtureOfExperts* first_moe(const ModelSpec& spec);
/// How a token's experts are chosen; without experts, as by default.
RouterConfig routing_rule(const ModelSpec& spec);

/// Throws UserError when a vocabulary has more pieces than the embeddings have rows (fewer are padding).
void check_vocabulary_size(const TextInput& text, std::int64_t pieces, std::string_view vocabulary_source);

}  // namespace espalier::arch
