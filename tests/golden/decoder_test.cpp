// Decoder checkpoints of every golden folder against recorded logits, hidden states and routing.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "arch/family.h"
#include "base/files.h"
#include "base/json.h"
#include "infer/decoder_forward.h"
#include "infer/generate.h"
#include "paths.h"
#include "unit/infer/small_decoder.h"
#include "values.h"

namespace espalier::infer {
namespace {

constexpr double kGoldenTolerance = 1e-5;  // of float32 with sums in any order

std::filesystem::path folder(const std::string& name) {
  return std::filesystem::path(source_dir()) / "tests/golden" / name;
}

Values recorded(const SafetensorsFile& file, const std::string& tensor) {
  const auto view = file.tensor(tensor);
  std::vector<float> values(static_cast<std::size_t>(view.elements()));
  to_float32(view.dtype, view.bytes, values);
  return {values.begin(), values.end()};
}

std::vector<std::int32_t> recorded_experts(const SafetensorsFile& file, const std::string& tensor) {
  const auto view = file.tensor(tensor);
  std::vector<std::int32_t> values(static_cast<std::size_t>(view.elements()));
  std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
  return values;
}

/// What a trace's weights are times the gates: some families multiply with the router's factor where others
/// do not look, after the experts.
double recorded_share(const arch::ModelSpec& spec) {
  const bool after = spec.family == "laguna" || spec.family == "beam" || spec.family == "step3p7";
  return after ? 1.0 / arch::routing_rule(spec).scale : 1.0;
}

/// The choices of tokens with `slots` experts each, in the order of the experts' numbers: some goldens list
/// them by weight, others by the score that chose them.
struct Choices {
  std::vector<std::int32_t> experts;
  Values gates;
};
Choices by_expert(const std::vector<std::int32_t>& experts, const Values& gates, std::size_t slots) {
  Choices sorted;
  for (std::size_t first = 0; first < experts.size(); first += slots) {
    std::vector<std::size_t> order(slots);
    std::iota(order.begin(), order.end(), first);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return experts[a] < experts[b]; });
    for (const std::size_t slot : order) {
      sorted.experts.push_back(experts[slot]);
      sorted.gates.push_back(gates[slot]);
    }
  }
  return sorted;
}

std::vector<std::vector<std::int32_t>> sequences_of(const std::string& name) {
  return nlohmann::json::parse(read_file(folder(name) / "tokens.json")).at("sequences");
}

void expect_logits(const DecoderModel& model, const std::string& name, const std::string& file) {
  const auto golden = SafetensorsFile::open(folder(name) / file);
  const auto sequences = sequences_of(name);
  ASSERT_EQ(sequences.size(), 2U);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto tensor = "seq" + std::to_string(i) + ".logits";
    expect_close(values_of(logits_of(model, run_sequence(model, sequences[i]))), recorded(golden, tensor),
                 kGoldenTolerance, tensor);
  }
}

/// Goldens of families that are only pruned have logits too, for the day they run.
bool runs(const std::filesystem::path& golden) {
  const auto config = read_json(golden / "config.json");
  return arch::family_named(config.at("model_type").get<std::string>()).can.missing.empty();
}

/// The golden folders of models that run and that have a file.
std::vector<std::string> goldens_with(const char* file) {
  std::vector<std::string> names;
  for (const std::string parent : {"", "families/"})
    for (const auto& entry : std::filesystem::directory_iterator(folder(parent)))
      if (std::filesystem::exists(entry.path() / file) && runs(entry.path()))
        names.push_back(parent + entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// A folder's name as gtest takes it: "qwen3_vl_moe".
std::string test_name(const ::testing::TestParamInfo<std::string>& golden) {
  std::string name = golden.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '/'; }, '_');
  return name;
}

class GoldenDecoder : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Families, GoldenDecoder, ::testing::ValuesIn(goldens_with("trace.safetensors")),
                         test_name);

// Without group-limited routing, whose groups would have to stay of one size.
class PrunedGoldenDecoder : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Families, PrunedGoldenDecoder,
                         ::testing::ValuesIn(goldens_with("pruned_logits.safetensors")), test_name);

TEST_P(GoldenDecoder, Logits) {
  expect_logits(load_decoder(Checkpoint::open(folder(GetParam()))), GetParam(), "logits.safetensors");
}

// What generation does: keys, values and states are kept, and tokens come some at a time, then one by one.
TEST_P(GoldenDecoder, TokensThatFollowGiveTheLogitsOfTheWholeSequence) {
  const DecoderModel model = load_decoder(Checkpoint::open(folder(GetParam())));
  const auto golden = SafetensorsFile::open(folder(GetParam()) / "logits.safetensors");
  const auto ids = sequences_of(GetParam()).back();
  const Values expected = recorded(golden, "seq1.logits");
  Generation generation(model, static_cast<std::int64_t>(ids.size()), std::uint64_t{1} << 30);
  constexpr std::size_t kPrompt = 10;
  for (std::size_t end = kPrompt; end <= ids.size(); ++end) {
    const std::size_t begin = end == kPrompt ? 0 : end - 1;
    const auto logits = generation.append(std::span(ids).subspan(begin, end - begin));
    const auto row = expected.begin() + static_cast<std::ptrdiff_t>((end - 1) * logits.size());
    expect_close({logits.begin(), logits.end()}, {row, row + static_cast<std::ptrdiff_t>(logits.size())},
                 2 * kGoldenTolerance, "token " + std::to_string(end - 1));
  }
}

TEST_P(GoldenDecoder, HiddenStatesAndRoutingOfEveryLayer) {
  const DecoderModel model = load_decoder(Checkpoint::open(folder(GetParam())));
  const auto golden = SafetensorsFile::open(folder(GetParam()) / "trace.safetensors");
  const auto sequences = sequences_of(GetParam());
  std::size_t routed = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto name = [&](std::int64_t layer, const char* what) {
      return "seq" + std::to_string(i) + ".layer" + std::to_string(layer) + "." + what;
    };
    const auto tap = [&](std::int64_t layer) {
      return ExpertTap{[&, layer](const RoutingView& choice) {
                         const auto pairs = static_cast<std::size_t>(choice.tokens * choice.slots);
                         const auto slots = static_cast<std::size_t>(choice.slots);
                         auto found = by_expert({choice.chosen, choice.chosen + pairs},
                                                values_of({choice.gates, pairs}), slots);
                         const auto expected = by_expert(recorded_experts(golden, name(layer, "experts")),
                                                         recorded(golden, name(layer, "weights")), slots);
                         EXPECT_EQ(found.experts, expected.experts);
                         for (double& gate : found.gates) gate *= recorded_share(model.spec);
                         expect_close(found.gates, expected.gates, kGoldenTolerance, name(layer, "weights"));
                         ++routed;
                       },
                       {}};
    };
    run_sequence(model, sequences[i], tap, [&](std::int64_t layer, const float* x) {
      expect_close(values_of({x, sequences[i].size() * static_cast<std::size_t>(model.width())}),
                   recorded(golden, name(layer, "hidden")), kGoldenTolerance, name(layer, "hidden"));
    });
  }
  EXPECT_GT(routed, 0U);
}

TEST_P(PrunedGoldenDecoder, LogitsWithTheListedExpertsAlone) {
  const auto lists = nlohmann::json::parse(read_file(folder(GetParam()) / "pruned.json")).at("keep");
  std::vector<std::vector<std::int64_t>> keep;
  for (const auto& list : lists)
    keep.push_back(list.is_null() ? std::vector<std::int64_t>{} : list.get<std::vector<std::int64_t>>());
  const DecoderModel model = load_decoder(Checkpoint::open(folder(GetParam())));
  expect_logits(keep_experts(model, keep), GetParam(), "pruned_logits.safetensors");
}

}  // namespace
}  // namespace espalier::infer
