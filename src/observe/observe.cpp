#include "observe/observe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "base/stopwatch.h"
#include "observe/describe_model.h"
#include "observe/layer_observer.h"
#include "observe/observe_state.h"
#include "observe/token_observer.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::int64_t kTokensAround = 12;  // of an example, on each side

class Observer {
 public:
  Observer(const infer::DecoderModel& model, const ObservedRows& rows, const ObserveOptions& options)
      : model_(model),
        options_(options),
        tokens_(infer::pack(rows.rows)),
        frequent_(tokens_.ids, options.token_ids),
        rope_(model.spec, tokens_.layout.longest()),
        state_(options.out) {
    describe(rows.data);
  }

  Observations run() {
    const FolderLock lock = state_.create();
    const auto bytes = infer::hidden_bytes(tokens_.layout.tokens(), model_.width(), options_.hidden_dtype);
    mapped_ = options_.max_memory_bytes && bytes > *options_.max_memory_bytes;
    const std::int64_t first = start();
    try {
      if (mapped_)
        run_mapped(first);
      else
        run_in_memory(first);
    } catch (const Interrupted&) {
      if (!state_.exists()) throw Interrupted("stopped in the first layer, nothing is saved");
      throw Interrupted(fmt::format("stopped; the state after layer {} is in {}, go on with --resume",
                                    state_.layers_done(run_) - 1, state_.folder().string()));
    }
    return std::move(result_);
  }

  const infer::PackedTokens& tokens() const { return tokens_; }

 private:
  void describe(const ObservedData& data) {
    result_ = describe_model(model_, options_.model);
    expert_bytes_ = expert_bytes_of(model_);
    result_.hidden_dtype = std::string(name(options_.hidden_dtype));
    result_.data = {data};
    result_.data.front().sequences = tokens_.layout.sequences();
    result_.data.front().tokens = tokens_.layout.tokens();
    run_ = {{"topology_sha256", result_.topology_sha256},
            {"data_sha256", data.sha256},
            {"sequences", result_.data.front().sequences},
            {"tokens", result_.data.front().tokens},
            {"hidden_dtype", result_.hidden_dtype},
            {"token_ids", options_.token_ids},
            {"examples", options_.examples},
            {"version", result_.version}};
    if (model_.source != nullptr) {
      const CheckpointIdentity identity = model_.source->identity();
      run_["model_sha256"] = identity.sha256;
      weights_.stamps = identity.stamps;
    }
    const SimilarityOptions& similarity = options_.similarity;
    if (similarity.samples > 0) result_.router = arch::routing_rule(model_.spec);
    if (!similarity.any()) return;
    run_["similarity"] = fmt::format("{} {} {} {} {} {}", similarity.moments, similarity.cross_moments,
                                     similarity.projected.value_or(0), similarity.samples,
                                     similarity.tokens.value_or(0), similarity.seed);
  }

  /// Layers that an earlier run has done.
  std::int64_t start() {
    if (state_.exists() && options_.resume == Resume::kNo)
      throw UserError(fmt::format("{}: an unfinished run is there", state_.folder().string()),
                      "--resume goes on with it; remove the folder to start again");
    if (!state_.exists()) return 0;
    const std::int64_t done = state_.layers_done(run_);
    take_up(state_.weights());
    result_ = state_.observations(done);
    if (options_.note) options_.note(fmt::format("going on after layer {}", done - 1));
    return done;
  }

  /// The layers that are done must be of these weights; where the files are as they were nothing is read.
  void take_up(UsedWeights before) {
    for (std::size_t layer = 0; before.stamps != weights_.stamps && layer < before.layers.size(); ++layer) {
      if (layer_sum(static_cast<std::int64_t>(layer)) == before.layers[layer]) continue;
      throw UserError(fmt::format("{}: the weights of layer {} are not those of the unfinished run in {}",
                                  options_.model, layer, state_.folder().string()),
                      "remove that folder to start again with the model as it is now");
    }
    weights_.layers = std::move(before.layers);
  }

  /// Of the first layer, with the embedding.
  std::uint64_t layer_sum(std::int64_t layer) const {
    std::uint64_t sum = 0;
    const auto add = [&](const infer::StoredWeight& weight) {
      if (!weight.defined()) return;
      sum = content_sum(weight.numbers.bytes(), sum);
      for (std::size_t part = 1; part < weight.numbers.parts.size() && weight.numbers.first_row == 0; ++part)
        sum = content_sum(weight.numbers.parts[part].bytes, sum);
      release(weight);
    };
    if (layer == 0) add(model_.embedding);
    for_each_weight(model_.blocks.at(static_cast<std::size_t>(layer)), add);
    return sum;
  }

  void run_in_memory(std::int64_t first) {
    infer::HiddenStates states(tokens_.layout.tokens(), model_.width(), options_.hidden_dtype);
    if (first == 0)
      embed(model_, tokens_, states);
    else
      states.restore(state_.hidden_file(first));
    double saving = 0.0;
    Stopwatch since_saved;
    for (std::int64_t layer = first; layer < model_.spec.layers(); ++layer) {
      observe_layer(layer, states, states);
      weights_.layers.push_back(layer_sum(layer));
      if (layer + 1 == model_.spec.layers() || since_saved.seconds() * options_.save_share < saving) continue;
      const Stopwatch stopwatch;
      states.save(state_.hidden_file(layer + 1));
      state_.commit(run_, weights_, result_);
      saving = stopwatch.seconds();
      since_saved.restart();
    }
  }

  void run_mapped(std::int64_t first) {
    const auto open = [&](std::int64_t layers_done) {
      return infer::HiddenStates(tokens_.layout.tokens(), model_.width(), options_.hidden_dtype,
                                 state_.hidden_file(layers_done));
    };
    infer::HiddenStates before = open(first);
    if (first == 0) embed(model_, tokens_, before);
    for (std::int64_t layer = first; layer < model_.spec.layers(); ++layer) {
      infer::HiddenStates after = open(layer + 1);
      observe_layer(layer, before, after);
      weights_.layers.push_back(layer_sum(layer));
      if (layer + 1 < model_.spec.layers()) state_.commit(run_, weights_, result_);
      before = std::move(after);
    }
  }

  void observe_layer(std::int64_t layer, const infer::HiddenStates& from, infer::HiddenStates& to) {
    const auto N = tokens_.layout.tokens(), L = model_.spec.layers();
    const auto done = [&](std::int64_t tokens) {
      if (options_.progress)
        options_.progress({.what = "observing",
                           .done = static_cast<std::uint64_t>((layer * N + tokens) / L),
                           .total = static_cast<std::uint64_t>(N),
                           .unit = "tokens",
                           .detail = detail(layer)});
    };
    const auto E = model_.spec.block(layer).experts();
    if (E == 0) return run_block(model_, layer, rope_, tokens_.layout, from, to, {}, done);
    LayerObserver statistics(static_cast<int>(layer), E, model_.width());
    TokenObserver use(static_cast<int>(layer), E, frequent_, tokens_);
    infer::ExpertTap tap{[&](const infer::RoutingView& routing) {
                           statistics.routed(routing);
                           use.routed(routing);
                         },
                         [&](const infer::ExpertOutput& output) { statistics.computed(output); }};
    const infer::DecoderMoe& moe = *model_.blocks[static_cast<std::size_t>(layer)].moe();
    std::optional<EveryExpertObserver> every;
    if (options_.similarity.any()) {
      every.emplace(every_expert(moe), layer, N, options_.similarity);
      tap.inputs = [&](std::int64_t rows, const float* x, const infer::RoutingView& routing) {
        every->add(rows, x, &routing);
      };
    }
    run_block(model_, layer, rope_, tokens_.layout, from, to, tap, done);
    result_.layers.push_back(statistics.observations());
    result_.layers.back().expert_bytes = expert_bytes_.at(layer);
    if (every) add_similarity(*every, moe, result_.layers.back());
    use.report(options_.examples, result_);
  }

  void add_similarity(const EveryExpertObserver& every, const infer::DecoderMoe& moe,
                      LayerObservations& layer) const {
    if (options_.similarity.moments || options_.similarity.cross_moments)
      layer.every_expert = every.moments();
    if (options_.similarity.samples == 0) return;
    layer.samples = every.samples();
    if (!moe.correction_bias.defined()) return;
    const float* bias = moe.correction_bias.floats();
    layer.correction_bias.assign(bias, bias + moe.experts.size());
  }

  std::string_view detail(std::int64_t layer) {
    detail_ = fmt::format("layer {} of {}", layer + 1, model_.spec.layers());
    return detail_;
  }

  const infer::DecoderModel& model_;
  const ObserveOptions& options_;
  infer::PackedTokens tokens_;
  FrequentTokens frequent_;
  infer::RopeTables rope_;
  ObserveState state_;
  nlohmann::json run_;
  UsedWeights weights_;
  std::map<std::int64_t, std::uint64_t> expert_bytes_;
  bool mapped_ = false;
  std::string detail_;
  Observations result_;
};

void add_text(const infer::PackedTokens& tokens, const Tokenizer& tokenizer, Observations& observations) {
  std::set<std::int64_t> ids(observations.token_use.token.begin(), observations.token_use.token.end());
  for (TokenExample& example : observations.examples) {
    const auto begin = tokens.layout.begin(example.sequence), length = tokens.layout.length(example.sequence);
    const auto text = [&](std::int64_t first, std::int64_t last) {
      const auto at = static_cast<std::size_t>(begin + first), count = static_cast<std::size_t>(last - first);
      return replace_invalid_utf8(tokenizer.decode(std::span(tokens.ids).subspan(at, count)));
    };
    example.before = text(std::max<std::int64_t>(0, example.position - kTokensAround), example.position);
    example.after = text(example.position + 1, std::min(length, example.position + 1 + kTokensAround));
    ids.insert(example.token);
  }
  for (const std::int64_t id : ids)
    observations.token_text[id] = replace_invalid_utf8(tokenizer.piece(static_cast<std::int32_t>(id)));
}

/// Statistics of fewer tokens than asked would look like those that were asked for.
void check_similarity(const SimilarityOptions& similarity, const ObservedRows& rows) {
  std::int64_t tokens = 0;
  for (const auto& row : rows.rows) tokens += static_cast<std::int64_t>(row.size());
  const auto expect = [&](std::string_view option, std::int64_t asked, std::int64_t there,
                          const char* where) {
    if (asked <= there) return;
    throw UserError(fmt::format("{}: {} tokens are asked for, {} {}", option, asked, where, there),
                    "give more data (--samples, --seq-len), or ask for fewer");
  };
  expect("--similarity-tokens", similarity.tokens.value_or(0), tokens, "the data have");
  expect("--keep-tokens", similarity.samples, std::min(tokens, similarity.tokens.value_or(tokens)),
         "every expert computes");
}

void check_rows(const infer::DecoderModel& model, const ObservedRows& rows) {
  if (rows.rows.empty())
    throw UserError("there are no rows to observe", "the calibration files have no text");
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const auto length = static_cast<std::int64_t>(rows.rows[i].size());
    if (length > 0 && length <= model.spec.positions()) continue;
    throw UserError(fmt::format("row {} has {} tokens, expected 1 to {}", i, length, model.spec.positions()),
                    "choose a smaller --seq-len");
  }
}

}  // namespace

Observations observe(const infer::DecoderModel& model, const ObservedRows& rows, const Tokenizer* tokenizer,
                     const ObserveOptions& options) {
  check_rows(model, rows);
  check_similarity(options.similarity, rows);
  Observer observer(model, rows, options);
  Observations observations = observer.run();
  if (tokenizer != nullptr) add_text(observer.tokens(), *tokenizer, observations);
  validate(observations, "the observations");
  return observations;
}

void discard_observe_state(const std::filesystem::path& out) {
  ObserveState(out).remove();
}

}  // namespace espalier
