#include "arch/bert_parts.h"

#include <fmt/format.h>

#include <cmath>

#include "base/nearest.h"

namespace espalier::arch {
namespace {

using nlohmann::json;

constexpr std::int64_t kWidestEncoder = 1 << 16;
constexpr std::int64_t kMostEncoderLayers = 1024;
constexpr std::size_t kMostLabels = 1 << 16;

struct ProblemTypeRow {
  ProblemType type;
  std::string_view name;
};
constexpr std::array<ProblemTypeRow, 3> kProblemTypes{
    {{ProblemType::kSingleLabel, "single_label_classification"},
     {ProblemType::kMultiLabel, "multi_label_classification"},
     {ProblemType::kRegression, "regression"}}};

/// Fields that change what the encoder computes and that are known in one setting only.
void check_fixed_fields(JsonObject& fields) {
  const std::string activation = fields.string("hidden_act", "gelu");
  if (activation != "gelu")
    fields.fail("hidden_act",
                fmt::format("found \"{}\", expected \"gelu\" (the exact one, by erf)", activation),
                "other activations, gelu's tanh approximation among them, are not supported");
  const std::string positions = fields.string("position_embedding_type", "absolute");
  if (positions != "absolute")
    fields.fail("position_embedding_type", fmt::format("found \"{}\", expected \"absolute\"", positions));
  for (const std::string_view field : {"is_decoder", "add_cross_attention"}) {
    if (fields.boolean(field, false)) fields.fail(field, "decoders are not supported, expected false");
  }
  if (!fields.boolean("tie_word_embeddings", true))
    fields.fail("tie_word_embeddings", "the decoder always shares the word embeddings, expected true");
}

ProblemType problem_type(JsonObject& fields) {
  const std::string name = fields.string("problem_type");
  std::vector<std::string_view> names;
  for (const ProblemTypeRow& row : kProblemTypes) {
    if (row.name == name) return row.type;
    names.push_back(row.name);
  }
  fields.fail("problem_type", fmt::format("found \"{}\"", name), suggestion(name, names));
}

void read_labels(ConfigFields& config, Heads& heads) {
  JsonObject& fields = config.fields();
  if (fields.has("problem_type")) heads.problem_type = problem_type(fields);
  heads.labels = config.labels();
  if (fields.has("num_labels")) {
    const std::int64_t count = fields.integer("num_labels", {1, kMostLabels});
    if (!heads.labels.empty() && count != heads.label_count())
      fields.fail("num_labels",
                  fmt::format("found {}, but id2label has {} labels", count, heads.label_count()));
    for (std::int64_t i = 0; heads.labels.empty() || static_cast<std::int64_t>(heads.labels.size()) < count;
         ++i)
      heads.labels.push_back(fmt::format("LABEL_{}", i));
  }
  if (heads.labels.size() > kMostLabels)
    fields.fail("id2label", fmt::format("{} labels, at most {}", heads.labels.size(), kMostLabels));
}

TextInput read_input(ConfigFields& config, const Norm& norm) {
  JsonObject& fields = config.fields();
  TextInput input;
  input.vocabulary = fields.integer("vocab_size", {1, kLargestVocabulary});
  input.positions = fields.integer("max_position_embeddings", {1, kLargestVocabulary}, 512);
  input.position_table = true;
  input.token_types = fields.integer("type_vocab_size", {1, kWidestEncoder}, 2);
  input.pad_token = fields.integer("pad_token_id", {}, 0);
  if (*input.pad_token < 0 || *input.pad_token >= input.vocabulary)
    fields.fail("pad_token_id", fmt::format("found {}, expected a token of the vocabulary, 0 to {}",
                                            *input.pad_token, input.vocabulary - 1));
  input.norm = norm;
  return input;
}

Norm read_norm(ConfigFields& config) {
  const double epsilon = config.fields().number("layer_norm_eps", {}, 1e-12);
  if (!(std::isfinite(epsilon) && epsilon > 0.0))
    config.fields().fail("layer_norm_eps",
                         fmt::format("found {}, expected a finite number above 0", epsilon));
  return {NormKind::kLayer, epsilon};
}

TrainingSettings read_training(ConfigFields& config) {
  TrainingSettings training;
  training.hidden_dropout = probability(config, "hidden_dropout_prob", 0.1);
  training.attention_dropout = probability(config, "attention_probs_dropout_prob", 0.1);
  if (config.fields().has("classifier_dropout"))
    training.classifier_dropout = probability(config, "classifier_dropout", 0.0);
  training.initializer_range = at_least_zero(config, "initializer_range", 0.02);
  return training;
}

constexpr TensorRow kRows[] = {
    {Role::kTokenEmbedding, Part::kWeight, "bert.embeddings.word_embeddings.weight"},
    {Role::kPositionEmbedding, Part::kWeight, "bert.embeddings.position_embeddings.weight"},
    {Role::kTypeEmbedding, Part::kWeight, "bert.embeddings.token_type_embeddings.weight"},
    {Role::kEmbeddingNorm, Part::kWeight, "bert.embeddings.LayerNorm.weight"},
    {Role::kEmbeddingNorm, Part::kBias, "bert.embeddings.LayerNorm.bias"},
    {Role::kQuery, Part::kWeight, "bert.encoder.layer.{L}.attention.self.query.weight"},
    {Role::kQuery, Part::kBias, "bert.encoder.layer.{L}.attention.self.query.bias"},
    {Role::kKey, Part::kWeight, "bert.encoder.layer.{L}.attention.self.key.weight"},
    {Role::kKey, Part::kBias, "bert.encoder.layer.{L}.attention.self.key.bias"},
    {Role::kValue, Part::kWeight, "bert.encoder.layer.{L}.attention.self.value.weight"},
    {Role::kValue, Part::kBias, "bert.encoder.layer.{L}.attention.self.value.bias"},
    {Role::kMixerOutput, Part::kWeight, "bert.encoder.layer.{L}.attention.output.dense.weight"},
    {Role::kMixerOutput, Part::kBias, "bert.encoder.layer.{L}.attention.output.dense.bias"},
    {Role::kMixerNorm, Part::kWeight, "bert.encoder.layer.{L}.attention.output.LayerNorm.weight"},
    {Role::kMixerNorm, Part::kBias, "bert.encoder.layer.{L}.attention.output.LayerNorm.bias"},
    {Role::kRouter, Part::kWeight, "bert.encoder.layer.{L}.moe.router.weight"},
    {Role::kExpertUp, Part::kWeight, "bert.encoder.layer.{L}.moe.experts.{e}.intermediate.dense.weight"},
    {Role::kExpertUp, Part::kBias, "bert.encoder.layer.{L}.moe.experts.{e}.intermediate.dense.bias"},
    {Role::kExpertDown, Part::kWeight, "bert.encoder.layer.{L}.moe.experts.{e}.output.dense.weight"},
    {Role::kExpertDown, Part::kBias, "bert.encoder.layer.{L}.moe.experts.{e}.output.dense.bias"},
    {Role::kUp, Part::kWeight, "bert.encoder.layer.{L}.intermediate.dense.weight"},
    {Role::kUp, Part::kBias, "bert.encoder.layer.{L}.intermediate.dense.bias"},
    {Role::kDown, Part::kWeight, "bert.encoder.layer.{L}.output.dense.weight"},
    {Role::kDown, Part::kBias, "bert.encoder.layer.{L}.output.dense.bias"},
    {Role::kFeedForwardNorm, Part::kWeight, "bert.encoder.layer.{L}.output.LayerNorm.weight"},
    {Role::kFeedForwardNorm, Part::kBias, "bert.encoder.layer.{L}.output.LayerNorm.bias"},
    {Role::kPooler, Part::kWeight, "bert.pooler.dense.weight"},
    {Role::kPooler, Part::kBias, "bert.pooler.dense.bias"},
    {Role::kMaskedWordTransform, Part::kWeight, "cls.predictions.transform.dense.weight"},
    {Role::kMaskedWordTransform, Part::kBias, "cls.predictions.transform.dense.bias"},
    {Role::kMaskedWordNorm, Part::kWeight, "cls.predictions.transform.LayerNorm.weight"},
    {Role::kMaskedWordNorm, Part::kBias, "cls.predictions.transform.LayerNorm.bias"},
    {Role::kMaskedWordOutput, Part::kBias, "cls.predictions.bias"},
    {Role::kClassifier, Part::kWeight, "classifier.weight"},
    {Role::kClassifier, Part::kBias, "classifier.bias"},
};

// The names without the model's, and those of the first checkpoints' norms.
constexpr NameAlias kAliases[] = {{"bert.", ""},
                                  {"classifier.", "qa_outputs."},
                                  {".LayerNorm.weight", ".LayerNorm.gamma"},
                                  {".LayerNorm.bias", ".LayerNorm.beta"}};

}  // namespace

ModelSpec read_bert(ConfigFields& config) {
  JsonObject& fields = config.fields();
  check_fixed_fields(fields);
  ModelSpec spec;
  spec.family = config.family().model_type;
  const Norm norm = read_norm(config);
  spec.input = read_input(config, norm);
  spec.width = fields.integer("hidden_size", {1, kWidestEncoder});
  const BlockSpec block{NormPlacement::kPost, norm, full_attention(config, spec.width),
                        gelu_network(config.width("intermediate_size"))};
  spec.blocks.assign(static_cast<std::size_t>(fields.integer("num_hidden_layers", {1, kMostEncoderLayers})),
                     block);
  spec.heads.masked_words = spec.heads.pooler = spec.heads.classifier = true;
  read_labels(config, spec.heads);
  spec.training = read_training(config);
  return spec;
}

json write_bert(const ModelSpec& spec, const json& fields) {
  const TextInput& input = spec.text();
  const auto& attention = std::get<GroupedAttention>(spec.blocks.front().mixer);
  const BlockSpec& block = spec.blocks.front();
  const MixtureOfExperts* moe = block.moe();
  json out = fields;
  out["model_type"] = spec.family;
  out["vocab_size"] = input.vocabulary;
  out["hidden_size"] = spec.width;
  out["num_hidden_layers"] = spec.layers();
  out["num_attention_heads"] = attention.heads;
  out["intermediate_size"] = moe ? moe->expert.width : std::get<FeedForward>(block.feed_forward).width;
  out["hidden_act"] = "gelu";
  out["max_position_embeddings"] = input.positions;
  out["type_vocab_size"] = input.token_types;
  out["pad_token_id"] = input.pad_token.value_or(0);
  out["layer_norm_eps"] = block.norm.epsilon;
  out["hidden_dropout_prob"] = spec.training.hidden_dropout;
  out["attention_probs_dropout_prob"] = spec.training.attention_dropout;
  const auto& dropout = spec.training.classifier_dropout;
  out["classifier_dropout"] = dropout ? json(*dropout) : json(nullptr);
  out["initializer_range"] = spec.training.initializer_range;
  if (!spec.heads.labels.empty()) out.erase("num_labels");  // id2label says it
  write_labels(spec.heads.labels, out);
  for (const ProblemTypeRow& row : kProblemTypes)
    if (spec.heads.problem_type == row.type) out["problem_type"] = row.name;
  return out;
}

Family bert_family(std::string_view model_type, std::string_view title) {
  Family family;
  family.model_type = model_type;
  family.title = title;
  family.usual = kRows;
  family.aliases = kAliases;
  family.can.count_may_be_list = true;
  family.can.lone_expert_is_dense = true;
  family.can.without_experts = "bert";
  return family;
}

}  // namespace espalier::arch
