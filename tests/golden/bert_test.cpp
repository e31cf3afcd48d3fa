// Plain BERT checkpoints against recorded hidden states and class scores, on both backends.
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "checkpoint/checkpoint.h"
#include "model/bert_checkpoint.h"
#include "paths.h"
#include "unit/nn/backends.h"

namespace espalier {
namespace {

constexpr double kGoldenTolerance = 1e-5;  // of float32 with sums in any order

std::filesystem::path folder(const std::string& name) {
  return std::filesystem::path(source_dir()) / "tests/golden" / name;
}

Values recorded(const std::string& name, const std::string& tensor) {
  const auto file = SafetensorsFile::open(folder(name) / "logits.safetensors");
  const auto view = file.tensor(tensor);
  std::vector<float> values(static_cast<std::size_t>(view.elements()));
  to_float32(view.dtype, view.bytes, values);
  return {values.begin(), values.end()};
}

/// Both sequences in one packed batch.
TokenBatch batch_of(const std::string& name) {
  const auto sequences = nlohmann::json::parse(read_file(folder(name) / "tokens.json")).at("sequences");
  TokenBatch batch;
  std::vector<std::int64_t> ids;
  for (const auto& sequence : sequences) {
    for (const auto& id : sequence) ids.push_back(id);
    batch.layout.append(static_cast<std::int64_t>(sequence.size()));
  }
  batch.ids = torch::tensor(ids, torch::kInt64);
  return batch;
}

ESPALIER_ON_BACKENDS(GoldenBert);

void expect_recorded_hidden(const std::string& name, const TokenBatch& batch, const torch::Tensor& hidden) {
  ASSERT_EQ(batch.layout.sequences(), 2);
  for (std::int64_t b = 0; b < 2; ++b) {
    const auto tensor = "seq" + std::to_string(b) + ".hidden";
    expect_close(hidden.narrow(0, batch.layout.begin(b), batch.layout.length(b)), recorded(name, tensor),
                 kGoldenTolerance, tensor);
  }
}

TEST_P(GoldenBert, HiddenStates) {
  const auto model = load_bert(Checkpoint::open(folder("bert")));
  const auto batch = batch_of("bert");
  expect_recorded_hidden("bert", batch, encode(model, batch, {.backend = GetParam()}).hidden);
}

TEST_P(GoldenBert, ClassScores) {
  const auto model = load_bert(Checkpoint::open(folder("bert-classifier")));
  ASSERT_TRUE(model.classifier.has_value());
  const auto batch = batch_of("bert-classifier");
  const ForwardOptions options{.backend = GetParam()};
  const auto hidden = encode(model, batch, options).hidden;
  expect_recorded_hidden("bert-classifier", batch, hidden);
  const auto scores = classify(model, hidden, batch.layout, options);
  for (std::int64_t b = 0; b < 2; ++b) {
    const auto tensor = "seq" + std::to_string(b) + ".scores";
    expect_close(scores[b], recorded("bert-classifier", tensor), kGoldenTolerance, tensor);
  }
}

}  // namespace
}  // namespace espalier
