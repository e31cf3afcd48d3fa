#include "arch/encoder_parts.h"

#include <fmt/format.h>

#include <cmath>

namespace espalier::arch {

GroupedAttention full_attention(ConfigFields& config, std::int64_t width) {
  GroupedAttention attention;
  attention.heads = attention.key_value_heads =
      config.fields().integer("num_attention_heads", {1, kMostExperts});
  if (width % attention.heads != 0)
    config.fields().fail(
        "num_attention_heads",
        fmt::format("{} heads do not divide the width {} (hidden_size)", attention.heads, width),
        "the width must be a multiple of the number of heads");
  attention.key_width = attention.value_width = width / attention.heads;
  attention.scale = 1.0 / std::sqrt(static_cast<double>(attention.key_width));
  attention.causal = false;
  attention.query_key_value_bias = attention.output_bias = true;
  return attention;
}

FeedForward gelu_network(std::int64_t width) {
  return {width, false, Activation::kGelu, true};
}

double at_least_zero(ConfigFields& config, std::string_view key, double fallback) {
  const double value = config.fields().number(key, {}, fallback);
  if (!(std::isfinite(value) && value >= 0.0))
    config.fields().fail(key, fmt::format("found {}, expected a finite number of at least 0", value));
  return value;
}

double probability(ConfigFields& config, std::string_view key, double fallback) {
  const double value = config.fields().number(key, {}, fallback);
  if (!(value >= 0.0 && value < 1.0))
    config.fields().fail(key,
                         fmt::format("found {}, expected a probability of at least 0 and below 1", value));
  return value;
}

void write_labels(const std::vector<std::string>& labels, nlohmann::json& config) {
  if (labels.empty()) return;
  auto& id2label = config["id2label"] = nlohmann::json::object();
  auto& label2id = config["label2id"] = nlohmann::json::object();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    id2label[std::to_string(i)] = labels[i];
    label2id[labels[i]] = i;
  }
}

}  // namespace espalier::arch
