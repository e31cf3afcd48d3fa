#include "observe/observe.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "artifacts/observation_fields.h"
#include "base/error.h"
#include "base/files.h"
#include "reference/decoder.h"
#include "reference/observations.h"
#include "unit/base/user_error.h"
#include "unit/infer/small_decoder.h"
#include "values.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

/// Float32 passes against float64 loops: sums over a few dozen tokens, entropies and products among them.
constexpr double kOracleTolerance = 2e-5;
/// The same float32 numbers, summed in other parts.
constexpr double kSumTolerance = 1e-6;

using Rows = std::vector<std::vector<std::int64_t>>;

Rows some_rows(const arch::ModelSpec& spec, std::uint64_t seed,
               std::vector<std::int64_t> lengths = {17, 1, 30, 9}) {
  Rows rows;
  for (const auto length : lengths) {
    const auto ids = random_ids(length, std::min<std::int64_t>(spec.text().vocabulary, 40), seed++);
    rows.emplace_back(ids.begin(), ids.end());
  }
  return rows;
}

std::string digest(char letter) {
  return std::string(64, letter);
}

struct Observing {
  TemporaryFolder folder;
  ObserveOptions options;
  Observing() { options.out = folder / "obs.safetensors"; }

  Observations operator()(const infer::DecoderModel& model, const Rows& rows) {
    ObservedData data;
    data.source = "rows";
    data.sha256 = digest('a');
    return observe(model, {rows, data}, nullptr, options);
  }
};

void expect_same_layers(const Observations& found, const Observations& expected, double tolerance) {
  ASSERT_EQ(found.layers.size(), expected.layers.size());
  for (std::size_t i = 0; i < found.layers.size(); ++i) {
    const auto &a = found.layers[i], &b = expected.layers[i];
    EXPECT_EQ(a.layer, b.layer);
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_NEAR(a.entropy_sum, b.entropy_sum, tolerance * b.entropy_sum);
    for (const ObservationField& field : observation_fields())
      expect_close(a.*field.values, b.*field.values, tolerance, std::string(field.name));
  }
}

class ObserveFamilies : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Goldens, ObserveFamilies,
                         ::testing::Values("mixtral", "qwen2-moe-dense-layers", "deepseek-v1", "deepseek-v2",
                                           "deepseek-v3"));

TEST_P(ObserveFamilies, StatisticsAgreeWithPlainLoops) {
  const SmallDecoder small(golden_config(GetParam()));
  const Rows rows = some_rows(small.spec, 11);
  Observations expected;
  for (std::int64_t layer = 0; layer < small.spec.layers(); ++layer)
    if (const auto E = small.spec.block(layer).experts(); E > 0)
      expected.layers.emplace_back(static_cast<int>(layer), static_cast<std::size_t>(E),
                                   static_cast<std::size_t>(small.spec.width));
  for (const auto& row : rows) {
    reference::Decoder oracle(small.spec, small.weights);
    oracle.logits(row);
    for (LayerObservations& layer : expected.layers)
      for (std::size_t t = 0; t < row.size(); ++t) {
        const auto& route = oracle.routes.at(layer.layer)[t];
        reference::add_token(layer, {route.logits,
                                     route.alpha,
                                     {route.chosen.begin(), route.chosen.end()},
                                     route.gates,
                                     oracle.outputs.at(layer.layer)[t]});
      }
  }
  expect_same_layers(Observing()(infer::load_decoder(small.open()), rows), expected, kOracleTolerance);
}

TEST(Observe, EveryTokenIsCountedKTimesInEveryLayer) {
  const SmallDecoder small(golden_config("olmoe"));
  const auto observations = Observing()(infer::load_decoder(small.open()), some_rows(small.spec, 2));
  ASSERT_EQ(observations.layers.size(), 3U);
  EXPECT_EQ(observations.data.front().tokens, 57);
  EXPECT_EQ(observations.data.front().sequences, 4);
  for (const auto& layer : observations.layers) {
    EXPECT_EQ(layer.tokens, 57);
    EXPECT_EQ(std::accumulate(layer.routed.begin(), layer.routed.end(), 0.0), 57 * 2);
    EXPECT_EQ(std::accumulate(layer.top1.begin(), layer.top1.end(), 0.0), 57);
    EXPECT_NEAR(std::accumulate(layer.score_sum.begin(), layer.score_sum.end(), 0.0), 57, 1e-4);
    EXPECT_GT(layer.expert_bytes, 0U);
  }
  double used = 0;
  for (std::size_t i = 0; i < observations.token_use.size(); ++i)
    if (observations.token_use.layer[i] == 1) used += observations.token_use.count[i];
  EXPECT_EQ(used, 57 * 2) << "all ids are among the most frequent here";
}

TEST(Observe, TwoSetsAreTheMergeOfEach) {
  const SmallDecoder small(golden_config("qwen3-moe"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  const Rows a = some_rows(small.spec, 1), b = some_rows(small.spec, 50, {12, 25});
  Rows both = a;
  both.insert(both.end(), b.begin(), b.end());
  const Observations parts[] = {Observing()(model, a), Observing()(model, b)};
  const double weights[] = {1.0, 1.0};
  const auto merged = merge(parts, weights), together = Observing()(model, both);
  expect_same_layers(merged, together, kSumTolerance);
  EXPECT_EQ(merged.token_use.token, together.token_use.token);
  EXPECT_EQ(merged.token_use.count, together.token_use.count);
}

/// Stops the run when `layers` layers are done.
struct Stop {};
ProgressSink stop_after(std::int64_t layers, std::int64_t all, std::uint64_t tokens) {
  return [=](const Progress& progress) {
    if (progress.done >= static_cast<std::uint64_t>(layers + 1) * tokens / static_cast<std::uint64_t>(all))
      throw Stop{};
  };
}

/// The bytes of the observations file.
std::string file_of(const Observations& observations) {
  const TemporaryFolder folder;
  write_observations(folder / "obs.safetensors", observations);
  return read_file(folder / "obs.safetensors");
}

void expect_resumed_equals_whole(std::optional<std::uint64_t> max_memory_bytes, Dtype hidden_dtype,
                                 const SimilarityOptions& similarity = {}) {
  const SmallDecoder small(golden_config("deepseek-v1"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  const Rows rows = some_rows(small.spec, 4);
  Observing whole, stopped;
  for (ObserveOptions* options : {&whole.options, &stopped.options}) {
    options->max_memory_bytes = max_memory_bytes;
    options->hidden_dtype = hidden_dtype;
    options->save_share = 1e9;
    options->similarity = similarity;
  }
  const auto expected = whole(model, rows);
  EXPECT_EQ(expected.hidden_dtype, name(hidden_dtype));
  stopped.options.progress = stop_after(2, 3, 57);
  EXPECT_THROW(stopped(model, rows), Stop);
  stopped.options.progress = {};
  expect_user_error([&] { stopped(model, rows); }, {"an unfinished run is there", "--resume"});
  std::string note;
  stopped.options.note = [&](std::string_view text) { note = text; };
  stopped.options.resume = Resume::kIfPossible;
  const auto resumed = stopped(model, rows);
  EXPECT_EQ(note, "going on after layer 1");
  expect_same_layers(resumed, expected, 0.0);
  EXPECT_EQ(resumed.token_use.count, expected.token_use.count);
  ASSERT_EQ(resumed.examples.size(), expected.examples.size());
  EXPECT_EQ(file_of(resumed), file_of(expected));
  EXPECT_TRUE(std::filesystem::exists(stopped.folder / "obs.safetensors.state"));
  discard_observe_state(stopped.options.out);
  EXPECT_FALSE(std::filesystem::exists(stopped.folder / "obs.safetensors.state"));
}

TEST(Observe, AnInterruptedRunGoesOnWithTheSameNumbers) {
  expect_resumed_equals_whole(std::nullopt, Dtype::kF32);
}
TEST(Observe, AnInterruptedRunInMappedFilesToo) {
  expect_resumed_equals_whole(0, Dtype::kF32);
}
TEST(Observe, AndWithHiddenStatesInBf16) {
  expect_resumed_equals_whole(std::nullopt, Dtype::kBF16);
}

TEST(Observe, AndWithWhatEveryExpertMakesOfEveryToken) {
  SimilarityOptions everything;
  everything.moments = everything.cross_moments = true;
  everything.samples = 16;
  everything.tokens = 40;
  expect_resumed_equals_whole(std::nullopt, Dtype::kF32, everything);
  expect_resumed_equals_whole(0, Dtype::kBF16, everything);
}

TEST(Observe, MappedFilesGiveTheSameNumbersAsMemory) {
  const SmallDecoder small(golden_config("mixtral"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  Observing memory, mapped;
  mapped.options.max_memory_bytes = 100;
  const Rows rows = some_rows(small.spec, 9);
  expect_same_layers(mapped(model, rows), memory(model, rows), 0.0);
}

TEST(Observe, TheStateOfAnotherRunIsNotResumed) {
  const SmallDecoder small(golden_config("mixtral"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  Observing run;
  run.options.save_share = 1e9;
  run.options.progress = stop_after(1, 3, 57);
  EXPECT_THROW(run(model, some_rows(small.spec, 4)), Stop);
  run.options.progress = {};
  run.options.resume = Resume::kIfPossible;
  expect_user_error(
      [&] {
        run(model, some_rows(small.spec, 4, {17, 2}));
      },
      {"state.json", "the unfinished run has sequences 4, this one 2"});
}

/// A run that was stopped after its second layer.
struct StoppedObservation {
  SmallDecoder small{golden_config("mixtral")};
  Rows rows = some_rows(small.spec, 4);
  Observing run;

  StoppedObservation() {
    run.options.save_share = 1e9;
    run.options.progress = stop_after(2, 3, 57);
    const infer::DecoderModel model = infer::load_decoder(small.open());
    EXPECT_THROW(run(model, rows), Stop);
    run.options.progress = {};
    run.options.resume = Resume::kIfPossible;
  }
  Observations resumed() { return run(infer::load_decoder(small.open()), rows); }
};

TEST(Observe, IsNotEndedWithOtherWeights) {
  for (const char* changed : {"model.embed_tokens.weight", "model.layers.1.input_layernorm.weight"}) {
    StoppedObservation stopped;
    const auto file = stopped.small.folder() / "model.safetensors";
    std::string weights = read_file(file);
    weights[stopped.small.open().tensor(changed).begin] ^= 1;
    write_file(file, weights);
    expect_user_error([&] { stopped.resumed(); },
                      {"the weights of layer ", "not those of the unfinished run"});
  }
}

TEST(Observe, IsEndedWithTheSameWeightsInAnotherFile) {
  StoppedObservation stopped;
  const auto file = stopped.small.folder() / "model.safetensors";
  write_file(file, read_file(file));
  const Observations expected = Observing()(infer::load_decoder(stopped.small.open()), stopped.rows);
  expect_same_layers(stopped.resumed(), expected, 0.0);
}

TEST(Observe, HasOneWriter) {
  const SmallDecoder small(golden_config("mixtral"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  const Rows rows = some_rows(small.spec, 4);
  Observing first;
  bool refused = false;
  first.options.progress = [&](const Progress&) {
    if (std::exchange(refused, true)) return;
    ObserveOptions second = first.options;
    second.progress = {};
    expect_user_error(
        [&] {
          observe(model, {rows, {}}, nullptr, second);
        },
        {"another process is writing there"});
  };
  expect_same_layers(first(model, rows), Observing()(model, rows), 0.0);
  EXPECT_TRUE(refused);
}

TEST(Observe, StopsWhenTheCheckpointChanges) {
  const SmallDecoder small(golden_config("mixtral"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  const auto file = small.folder() / "model.safetensors";
  Observing run;
  run.options.progress = [&](const Progress&) {
    std::filesystem::last_write_time(file,
                                     std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  };
  expect_user_error([&] { run(model, some_rows(small.spec, 4)); }, {"model.safetensors: changed while"});
}

TEST(Observe, NaNInWeightsIsAnErrorThatNamesTheLayer) {
  const SmallDecoder small(golden_config("mixtral"));
  const auto file = small.folder() / "model.safetensors";
  std::string weights = read_file(file);
  const float bad = std::numeric_limits<float>::quiet_NaN();
  const auto begin =
      static_cast<std::size_t>(small.open().tensor("model.layers.1.post_attention_layernorm.weight").begin);
  std::memcpy(weights.data() + begin, &bad, sizeof bad);
  write_file(file, weights);
  expect_user_error([&] { Observing()(infer::load_decoder(small.open()), some_rows(small.spec, 4)); },
                    {"layer 1 gives outputs that are not finite"});
}

TEST(Observe, ExamplesAreTokensThatTheExpertReallyHandled) {
  const SmallDecoder small(golden_config("mixtral"));
  const Rows rows = some_rows(small.spec, 6);
  const auto observations = Observing()(infer::load_decoder(small.open()), rows);
  ASSERT_FALSE(observations.examples.empty());
  for (const TokenExample& example : observations.examples) {
    const auto& row = rows[static_cast<std::size_t>(example.sequence)];
    EXPECT_EQ(row[static_cast<std::size_t>(example.position)], example.token);
    reference::Decoder oracle(small.spec, small.weights);
    oracle.logits(row);
    const auto& route = oracle.routes.at(example.layer)[static_cast<std::size_t>(example.position)];
    const auto slot =
        std::find(route.chosen.begin(), route.chosen.end(), static_cast<std::size_t>(example.expert));
    ASSERT_NE(slot, route.chosen.end());
    EXPECT_NEAR(route.gates[static_cast<std::size_t>(slot - route.chosen.begin())], example.gate, 1e-5);
  }
}

TEST(Observe, RowsThatDoNotFitAreErrors) {
  const SmallDecoder small(golden_config("mixtral"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  expect_user_error([&] { Observing()(model, {}); }, {"no rows"});
  expect_user_error([&] { Observing()(model, {{1, 2}, {}}); }, {"row 1 has 0 tokens"});
  expect_user_error([&] { Observing()(model, {std::vector<std::int64_t>(513, 1)}); },
                    {"row 0 has 513 tokens, expected 1 to 512", "--seq-len"});
  expect_user_error([&] { Observing()(model, {{1, 320}}); }, {"token 1 is 320"});
}

}  // namespace
}  // namespace espalier
