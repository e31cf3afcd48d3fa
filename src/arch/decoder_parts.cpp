#include "arch/decoder_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "arch/rope_settings.h"
#include "arch/write_counts.h"

namespace espalier::arch {
namespace {

/// A special token: an id, or a list of which the first counts (other forms are for other programs).
std::optional<std::int64_t> token(JsonObject& fields, std::string_view key) {
  const nlohmann::json* found = fields.find_value(key);
  if (found != nullptr && found->is_array() && !found->empty()) found = &found->front();
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::int64_t positions(ConfigFields& config) {
  return config.fields().integer("max_position_embeddings", {1, std::int64_t{1} << 32},
                                 std::int64_t{1} << 15);
}

ModelSpec start(ConfigFields& config, std::int64_t longest) {
  ModelSpec spec;
  spec.family = config.family().model_type;
  TextInput text;
  text.vocabulary = config.fields().integer("vocab_size", {1, kLargestVocabulary});
  text.positions = longest;
  text.bos_token = token(config.fields(), "bos_token_id");
  text.eos_token = token(config.fields(), "eos_token_id");
  spec.input = text;
  spec.width = config.width(config.names().width);
  // Nested models are saved with the whole's field, which counts.
  JsonObject& tied = config.whole().has("tie_word_embeddings") ? config.whole() : config.fields();
  spec.heads.language = LanguageHead{tied.boolean("tie_word_embeddings", false)};
  spec.training.initializer_range = config.fields().number("initializer_range", {1e-6, 10.0}, 0.02);
  return spec;
}

void set_window(Mixer& mixer, std::int64_t window) {
  if (auto* grouped = std::get_if<GroupedAttention>(&mixer)) grouped->window = window;
  if (auto* latent = std::get_if<LatentAttention>(&mixer)) latent->window = window;
}

BlockSpec block_spec(const DecoderParts& parts, std::size_t layer, std::int64_t experts) {
  BlockSpec block{NormPlacement::kPre, {NormKind::kRms, parts.epsilon}, parts.mixer, {}};
  if (!parts.windows.empty()) set_window(block.mixer, parts.windows[layer]);
  if (experts == 0) {
    if (!parts.no_network.empty() && parts.no_network[layer])
      block.feed_forward = Absent{};
    else
      block.feed_forward = FeedForward{parts.dense_width, parts.moe.expert.gated};
    return block;
  }
  MixtureOfExperts moe = parts.moe;
  moe.experts = moe.router.capacity_experts = experts;
  moe.router.rows = experts + moe.router.extra_rows;
  block.feed_forward = std::move(moe);
  return block;
}

std::int64_t window_of(const Mixer& mixer) {
  if (const auto* grouped = std::get_if<GroupedAttention>(&mixer)) return grouped->window;
  if (const auto* latent = std::get_if<LatentAttention>(&mixer)) return latent->window;
  return 0;
}

/// Settings for each block by its type: "layer_types", else whether it attends to a window.
void read_rotary(ConfigFields& config, const DecoderParts& parts, ModelSpec& spec) {
  const RopeSettings rope(config, parts.turned_part);
  spec.notes = rope.notes();
  std::vector<std::string> types;
  if (rope.by_type() && config.fields().has("layer_types"))
    types = config.per_block("layer_types", spec.blocks.size());
  for (std::size_t layer = 0; layer < spec.blocks.size(); ++layer) {
    Mixer& mixer = spec.blocks[layer].mixer;
    const std::string_view type = window_of(mixer) > 0 ? "sliding_attention" : "full_attention";
    rope.apply(types.empty() ? type : types[layer], layer, mixer);
  }
}

void add_blocks(ConfigFields& config, DecoderParts parts, ModelSpec& spec) {
  if (parts.sparse.empty()) parts.sparse.assign(static_cast<std::size_t>(config.layers()), true);
  const auto counts = config.expert_counts(parts.sparse);
  parts.moe.router.rule.experts_per_token = config.experts_per_token();
  for (std::size_t layer = 0; layer < counts.size(); ++layer)
    spec.blocks.push_back(block_spec(parts, layer, counts[layer]));
  spec.next_token.layers = parts.next_token_layers;
  const bool beside = !config.family().next_token.stack.empty();  // published without a count
  if (parts.next_token_layers > 0 || beside) spec.next_token.experts = config.one_expert_count();
  check_routing(config, spec);
}

}  // namespace

ModelSpec decoder_spec(ConfigFields& config, const DecoderParts& parts) {
  ModelSpec spec = start(config, positions(config));
  config.expect("hidden_act", {"silu"}, "silu");
  spec.final_norm = Norm{NormKind::kRms, parts.epsilon};
  add_blocks(config, parts, spec);
  read_rotary(config, parts, spec);
  return spec;
}

ModelSpec unread_spec(ConfigFields& config, DecoderParts parts) {
  ModelSpec spec = start(config, config.fields().integer("max_position_embeddings", {0, 1'000'000'000}, 0));
  parts.mixer = Unread{config.fields().integer(config.names().heads, {1, kWidest})};
  add_blocks(config, std::move(parts), spec);
  return spec;
}

double rms_epsilon(ConfigFields& config, double fallback) {
  return config.fields().number("rms_norm_eps", {1e-12, 1.0}, fallback);
}

std::vector<std::int64_t> windows(ConfigFields& config, FirstSlidingLayer first) {
  JsonObject& fields = config.fields();
  std::vector<std::int64_t> windows(static_cast<std::size_t>(config.layers()), 0);
  if (!fields.has("sliding_window")) return windows;
  const std::int64_t window = fields.integer("sliding_window", {1, std::int64_t{1} << 40});
  if (fields.has("layer_types")) {
    const auto types = config.per_block("layer_types", windows.size());
    for (std::size_t i = 0; i < types.size(); ++i)
      if (types[i] == "sliding_attention") windows[i] = window;
    return windows;
  }
  const std::int64_t begin =
      first == FirstSlidingLayer::kZero ? 0 : fields.integer("max_window_layers", {0, kMostLayers}, 28);
  std::fill(windows.begin() + std::min(begin, config.layers()), windows.end(), window);
  return windows;
}

std::vector<std::int64_t> windows_by_type(ConfigFields& config) {
  JsonObject& fields = config.fields();
  if (fields.has("layer_types") || !fields.has("sliding_window"))
    return windows(config, FirstSlidingLayer::kZero);
  const std::int64_t window = fields.integer("sliding_window", {1, std::int64_t{1} << 40});
  std::vector<std::int64_t> found(static_cast<std::size_t>(config.layers()), window);
  const nlohmann::json* pattern = fields.find_value("sliding_window_pattern");
  if (pattern != nullptr && pattern->is_string()) {
    const std::string letters = fields.string("sliding_window_pattern");
    for (std::size_t i = 0; i < found.size() && !letters.empty(); ++i)
      if (letters[i % letters.size()] == 'G') found[i] = 0;
    return found;
  }
  const std::string_view every = pattern != nullptr ? "sliding_window_pattern" : "global_attn_every_n_layers";
  if (!fields.has(every)) fields.fail("layer_types", "missing; which layers see all is not known without it");
  const auto step = static_cast<std::size_t>(fields.integer(every, {1, kMostLayers}));
  for (std::size_t i = step - 1; i < found.size(); i += step) found[i] = 0;
  return found;
}

void turn_windows_only(ModelSpec& spec) {
  for (BlockSpec& block : spec.blocks)
    if (auto* grouped = std::get_if<GroupedAttention>(&block.mixer);
        grouped != nullptr && grouped->window == 0)
      grouped->rotary.reset();
}

void expect_one_per_block(ConfigFields& config, std::string_view key, std::size_t entries) {
  if (static_cast<std::int64_t>(entries) == config.layers()) return;
  config.fields().fail(key, fmt::format("the list has {} entries, expected one for each of the {} blocks",
                                        entries, config.layers()));
}

Family decoder_family(std::string_view model_type, std::string_view title,
                      ModelSpec (*read)(ConfigFields& config)) {
  Family family;
  family.model_type = model_type;
  family.title = title;
  family.read = read;
  family.write = write_counts;
  family.usual = kUsualDecoderRows;
  return family;
}

std::vector<bool> sparse_by_step(ConfigFields& config) {
  JsonObject& fields = config.fields();
  const std::int64_t step = fields.integer("decoder_sparse_step", {1, kMostLayers}, 1);
  std::vector<std::int64_t> dense;
  if (fields.has("mlp_only_layers")) dense = fields.integers("mlp_only_layers", {0, kMostLayers});
  std::vector<bool> sparse;
  for (std::int64_t layer = 0; layer < config.layers(); ++layer)
    sparse.push_back((layer + 1) % step == 0 && std::find(dense.begin(), dense.end(), layer) == dense.end());
  return sparse;
}

std::vector<bool> sparse_after_dense(ConfigFields& config) {
  const std::int64_t first = config.fields().integer("first_k_dense_replace", {0, kMostLayers}, 0);
  const std::int64_t step = config.fields().integer("moe_layer_freq", {1, kMostLayers}, 1);
  std::vector<bool> sparse;
  for (std::int64_t layer = 0; layer < config.layers(); ++layer)
    sparse.push_back(layer >= first && layer % step == 0);
  return sparse;
}

std::vector<bool> sparse_by_type(ConfigFields& config) {
  std::vector<bool> sparse;
  for (const std::string& type :
       config.per_block("mlp_layer_types", static_cast<std::size_t>(config.layers()))) {
    const bool is_sparse = type == "sparse" || type == "moe" || type == "hash_moe";
    if (!is_sparse && type != "dense")
      config.fields().fail(fmt::format("mlp_layer_types[{}]", sparse.size()),
                           fmt::format("found \"{}\", expected dense or sparse", type));
    sparse.push_back(is_sparse);
  }
  return sparse;
}

DecoderParts qwen_parts(ConfigFields& config) {
  DecoderParts parts;
  parts.epsilon = rms_epsilon(config, 1e-6);
  parts.mixer = grouped_attention(config, 1e4);
  if (config.fields().boolean("use_sliding_window", false))
    parts.windows = windows(config, FirstSlidingLayer::kMaxWindowLayers);
  parts.dense_width = config.width("intermediate_size");
  parts.sparse = sparse_by_step(config);
  parts.moe.expert.width = config.width("moe_intermediate_size");
  parts.moe.router.rule.normalise = config.fields().boolean("norm_topk_prob", false);
  return parts;
}

void read_groups(ConfigFields& config, RouterConfig& rule) {
  const ConfigNames& names = config.names();
  rule.groups = config.fields().integer(names.groups, {1, kMostExperts}, 1);
  rule.top_groups = config.fields().integer(names.top_groups, {1, kMostExperts}, 1);
  if (rule.top_groups > rule.groups)
    config.fields().fail(names.top_groups, fmt::format("found {}, but there are {} groups ({})",
                                                       rule.top_groups, rule.groups, names.groups));
}

}  // namespace espalier::arch
