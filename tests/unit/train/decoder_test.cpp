// Decoders that are trained: against recorded logits of every family that training knows, and gradients of
// every parameter against float64 and finite differences.
#include "train/forward.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "infer/decoder_forward.h"
#include "paths.h"
#include "temporary_folder.h"
#include "train/checkpoint.h"
#include "unit/infer/small_decoder.h"
#include "unit/train/ops/backends.h"

namespace espalier {

using namespace train;

namespace {

constexpr double kGoldenTolerance = 1e-5;  // of float32 with sums in any order
/// Gradients pass through all layers in float32, and small ones are differences of large numbers.
constexpr double kGradientTolerance = 2e-4;
constexpr double kLossTolerance = 1e-5;  // ten steps in float32 drift apart by rounding

std::filesystem::path folder(const std::string& name) {
  return std::filesystem::path(source_dir()) / "tests/golden" / name;
}

Transformer golden_model(const std::string& name) {
  return load(Checkpoint::open(folder(name)));
}

struct Tokens {
  torch::Tensor ids, targets;  // [N] int64
  SequenceLayout layout;
};

/// Two sequences of different lengths, longer than a block of attention's queries.
Tokens some_tokens(std::int64_t vocabulary) {
  const auto ids = random_ids(162, vocabulary, 3);
  std::vector<std::int64_t> wide(ids.begin(), ids.end());
  const auto all = torch::tensor(wide, torch::kInt64);
  Tokens tokens{all.narrow(0, 0, 161), all.narrow(0, 1, 161), {}};
  tokens.layout.append(140);
  tokens.layout.append(21);
  return tokens;
}

torch::Tensor loss_of(const Transformer& model, const Tokens& tokens, Backend backend) {
  const ForwardOptions options{.backend = backend, .mode = Mode::kTraining};
  const auto output = encode(model, {tokens.ids, {}, tokens.layout}, options);
  const auto task =
      ops(backend).cross_entropy(next_token_logits(model, output.hidden, options), tokens.targets);
  return output.balance_loss.defined() ? task + 0.1 * output.balance_loss : task;
}

void to_dtype(Transformer& model, torch::Dtype dtype) {
  visit_parameters(model, [&](const std::string&, torch::Tensor& tensor) {
    tensor = tensor.detach().to(dtype).clone().set_requires_grad(true);
  });
}

std::map<std::string, Values> gradients(Transformer& model, const Tokens& tokens, Backend backend) {
  loss_of(model, tokens, backend).backward();
  std::map<std::string, Values> all;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& tensor) {
    all[name] = values_of(tensor.grad().defined() ? tensor.grad() : torch::zeros_like(tensor));
  });
  return all;
}

class TrainableFamilies : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, TrainableFamilies,
                         ::testing::Values("mixtral", "qwen2-moe", "qwen2-moe-dense-layers", "qwen3-moe",
                                           "olmoe", "deepseek-v1", "deepseek-v2-lite", "deepseek-v2",
                                           "deepseek-v3", "families/dots1", "families/hy_v3",
                                           "families/mellum", "families/solar_open", "families/kimi_k2",
                                           "families/exaone_moe"));

TEST_P(TrainableFamilies, LogitsOnBothBackends) {
  const auto model = golden_model(GetParam());
  const auto golden = SafetensorsFile::open(folder(GetParam()) / "logits.safetensors");
  const std::vector<std::vector<std::int64_t>> sequences =
      nlohmann::json::parse(read_file(folder(GetParam()) / "tokens.json")).at("sequences");
  for (const auto backend : {Backend::kOneDnn, Backend::kTorch}) {
    SequenceLayout layout;
    std::vector<std::int64_t> ids;
    Values expected;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      layout.append(static_cast<std::int64_t>(sequences[i].size()));
      ids.insert(ids.end(), sequences[i].begin(), sequences[i].end());
      const auto view = golden.tensor("seq" + std::to_string(i) + ".logits");
      std::vector<float> values(static_cast<std::size_t>(view.elements()));
      to_float32(view.dtype, view.bytes, values);
      expected.insert(expected.end(), values.begin(), values.end());
    }
    const ForwardOptions options{.backend = backend};
    const auto hidden = encode(model, {torch::tensor(ids, torch::kInt64), {}, layout}, options).hidden;
    expect_close(values_of(next_token_logits(model, hidden, options)), expected, kGoldenTolerance,
                 std::string(name(backend)));
  }
}

TEST_P(TrainableFamilies, GradientsOfAllParameters) {
  auto narrow = golden_model(GetParam()), wide = golden_model(GetParam());
  to_dtype(narrow, torch::kFloat32);
  to_dtype(wide, torch::kFloat64);
  const auto tokens = some_tokens(narrow.spec.text().vocabulary);
  const auto found = gradients(narrow, tokens, Backend::kOneDnn);
  const auto expected = gradients(wide, tokens, Backend::kTorch);
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, values] : expected) expect_close(found.at(name), values, kGradientTolerance, name);
}

/// The largest gradient of every parameter against the loss a little to both sides, in float64.
TEST_P(TrainableFamilies, GradientsAgainstFiniteDifferences) {
  auto model = golden_model(GetParam());
  to_dtype(model, torch::kFloat64);
  const auto tokens = some_tokens(model.spec.text().vocabulary);
  loss_of(model, tokens, Backend::kTorch).backward();
  const torch::NoGradGuard no_grad;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& tensor) {
    const auto at = tensor.grad().abs().flatten().argmax().item<std::int64_t>();
    const double slope = tensor.grad().flatten()[at].item<double>(),
                 before = tensor.flatten()[at].item<double>();
    double* value = tensor.data_ptr<double>() + at;
    // Small enough that no token changes its experts.
    constexpr double kStep = 1e-6;
    *value = before + kStep;
    const double above = loss_of(model, tokens, Backend::kTorch).item<double>();
    *value = before - kStep;
    const double below = loss_of(model, tokens, Backend::kTorch).item<double>();
    *value = before;
    EXPECT_NEAR((above - below) / (2 * kStep), slope, 1e-3 * std::abs(slope) + 1e-8) << name;
  });
}

TEST_P(TrainableFamilies, TenLossesAgree) {
  std::map<Backend, Values> losses;
  for (const auto backend : {Backend::kOneDnn, Backend::kTorch}) {
    auto model = golden_model(GetParam());
    to_dtype(model, torch::kFloat32);
    const auto tokens = some_tokens(model.spec.text().vocabulary);
    for (int step = 0; step < 10; ++step) {
      const auto loss = loss_of(model, tokens, backend);
      losses[backend].push_back(loss.item<double>());
      loss.backward();
      const torch::NoGradGuard no_grad;
      visit_parameters(model, [&](const std::string&, torch::Tensor& tensor) {
        if (tensor.grad().defined()) tensor.sub_(0.05 * tensor.grad());
        tensor.mutable_grad() = torch::Tensor();
      });
    }
  }
  EXPECT_LT(losses[Backend::kTorch].back(), losses[Backend::kTorch].front());
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_NEAR(losses[Backend::kOneDnn][i], losses[Backend::kTorch][i],
                kLossTolerance * losses[Backend::kTorch][i])
        << i;
}

TEST_P(TrainableFamilies, SavesWhatLoadDecoderReads) {
  const auto original = infer::load_decoder(Checkpoint::open(folder(GetParam())));
  const auto model = golden_model(GetParam());
  const TemporaryFolder out;
  save(model, out.path(), Dtype::kF32);
  const auto saved = Checkpoint::open(out.path());
  ASSERT_EQ(saved.names(), original.source->names());
  for (const auto name : saved.names()) {
    const auto now = saved.tensor(name), before = original.source->tensor(name);
    ASSERT_TRUE(std::equal(now.shape.begin(), now.shape.end(), before.shape.begin(), before.shape.end()))
        << name;
    if (before.dtype == Dtype::kF32) {
      EXPECT_TRUE(std::equal(now.bytes.begin(), now.bytes.end(), before.bytes.begin())) << name;
    }
  }
  const auto ids = random_ids(9, model.spec.text().vocabulary, 1);
  EXPECT_EQ(values_of(run_sequence(infer::load_decoder(Checkpoint::open(out.path())), ids)),
            values_of(run_sequence(original, ids)));
}

TEST(NewDecoder, NewWeightsDependOnTheSeedAlone) {
  const auto fields = golden_config("mixtral");
  auto a = initialize(fields, "config.json", 1), b = initialize(fields, "config.json", 1),
       c = initialize(fields, "config.json", 2);
  EXPECT_TRUE(torch::equal(a.token, b.token));
  EXPECT_FALSE(torch::equal(a.token, c.token));
  EXPECT_NEAR(a.token.std().item<double>(), 0.02, 0.002);
  EXPECT_TRUE(torch::equal(a.final_norm.weight, torch::ones_like(a.final_norm.weight)));
}

}  // namespace
}  // namespace espalier
