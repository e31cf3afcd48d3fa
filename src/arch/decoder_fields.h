#pragma once

#include <functional>
#include <initializer_list>

#include "arch/decoder_config.h"
#include "base/json.h"

namespace espalier {

// Only against nonsense and overflow: products of three of them stay below 2^63.
constexpr std::int64_t kMostDecoderLayers = 1 << 12;
constexpr std::int64_t kMostDecoderExperts = 1 << 16;
constexpr std::int64_t kWidestDecoder = 1 << 20;
constexpr std::int64_t kLargestVocabulary = 1 << 24;

/// Which block is the first to attend to a window only.
enum class FirstSlidingLayer { kZero, kMaxWindowLayers };

/// Reads the fields of a decoder's config.json that several families spell alike, into one `DecoderConfig`.
/// All throw UserError.
class DecoderFields {
 public:
  DecoderFields(const nlohmann::json& fields, std::string_view source, DecoderConfig& config);
  JsonObject& object() { return object_; }

  /// Vocabulary, widths, heads, positions, activation, tied embeddings, BOS and EOS.
  void read_sizes();
  std::int64_t width(std::string_view key) { return object_.integer(key, {1, kWidestDecoder}); }
  double epsilon(double fallback) { return object_.number("rms_norm_eps", {1e-12, 1.0}, fallback); }
  std::int64_t experts_per_token(std::optional<std::int64_t> fallback);
  void attention_bias();  ///< of queries, keys, values and the output
  /// "rope_theta" and "rope_scaling", or both in "rope_parameters".
  RopeConfig rope(double theta);
  /// [L] of "sliding_window" and "layer_types".
  std::vector<std::int64_t> windows(FirstSlidingLayer first);
  /// [L] from one count or a list of L entries; `is_moe(layer)` says where experts belong.
  std::vector<std::int64_t> experts(std::string_view key, const std::function<bool(std::int64_t)>& is_moe);
  /// The field's value, which must be one of `known`.
  std::string expect(std::string_view key, std::initializer_list<std::string_view> known,
                     std::string_view fallback);

 private:
  JsonObject object_;
  DecoderConfig& config_;
};

}  // namespace espalier
