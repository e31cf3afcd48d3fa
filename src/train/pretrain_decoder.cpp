#include "train/pretrain_decoder.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "train/causal_language_modelling.h"
#include "train/checkpoint.h"
#include "train/training_loop.h"
#include "train/weights_hash.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

train::Transformer starting_decoder(const fs::path& source, std::uint64_t seed) {
  if (fs::is_directory(source)) return train::load(Checkpoint::open(source));
  return train::initialize(read_json(source), source.string(), seed);
}

class DecoderPretraining final : public CausalLanguageModelling {
 public:
  DecoderPretraining(const PretrainOptions& options, const CausalText& text)
      : CausalLanguageModelling(starting_decoder(options.model, options.seed), text, options),
        source_(options.model) {}

  nlohmann::json resolved_options() const override {
    auto resolved = CausalLanguageModelling::resolved_options();
    resolved["config"] = model_.fields;
    if (fs::is_directory(source_))
      resolved["starting_weights_sha256"] = weights_hash(Checkpoint::open(source_));
    return resolved;
  }

 private:
  fs::path source_;
};

CausalText text_of(const PretrainOptions& options) {
  CausalText text;
  text.tokenizer = options.tokenizer;
  if (text.tokenizer.empty() && fs::is_directory(options.model)) text.tokenizer = options.model;
  if (text.tokenizer.empty())
    throw UserError("--tokenizer is missing: a decoder needs its tokenizer.json",
                    "make one with `espalier tokenizer train --kind bpe`");
  text.text = options.text;
  text.validation_text = options.validation_text;
  text.cache = options.cache.empty() ? options.out / "corpus" : options.cache;
  text.batch_tokens = options.batch_tokens;
  text.sequence_length = options.sequence_length;
  text.validation_tokens = options.validation_tokens;
  return text;
}

}  // namespace

TrainingSummary pretrain_decoder(const PretrainOptions& options) {
  if (options.upcycle)
    throw UserError("--upcycle makes Mixture-of-Experts encoders, and this is a decoder",
                    "write the experts into config.json");
  if (!options.train.empty() || options.router_jitter || options.expert_rate != 1.0)
    throw UserError("--train, --router-jitter and --expert-rate are of encoders, and this is a decoder",
                    "train all of it");
  DecoderPretraining objective(options, text_of(options));
  return run_training("pretrain", objective, options);
}

}  // namespace espalier
