// Plain BERT checkpoints against recorded hidden states and class scores.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "infer/encoder.h"
#include "paths.h"
#include "values.h"

namespace espalier::infer {
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
struct Batch {
  std::vector<std::int64_t> ids;
  SequenceLayout layout;

  explicit Batch(const std::string& name) {
    const auto sequences = nlohmann::json::parse(read_file(folder(name) / "tokens.json")).at("sequences");
    for (const auto& sequence : sequences) {
      for (const auto& id : sequence) ids.push_back(id);
      layout.append(static_cast<std::int64_t>(sequence.size()));
    }
  }
};

void expect_recorded_rows(const std::string& name, const char* what, std::span<const float> rows,
                          const SequenceLayout& layout, std::int64_t width, bool one_row) {
  ASSERT_EQ(layout.sequences(), 2);
  for (std::int64_t b = 0; b < 2; ++b) {
    const auto tensor = "seq" + std::to_string(b) + "." + what;
    const auto first = one_row ? b : layout.begin(b), count = one_row ? 1 : layout.length(b);
    expect_close(values_of(rows.subspan(static_cast<std::size_t>(first * width),
                                        static_cast<std::size_t>(count * width))),
                 recorded(name, tensor), kGoldenTolerance, tensor);
  }
}

TEST(GoldenBert, HiddenStates) {
  const auto model = load_encoder(Checkpoint::open(folder("bert")));
  const Batch batch("bert");
  const auto hidden = encode(model, {batch.ids, {}, batch.layout});
  expect_recorded_rows("bert", "hidden", hidden.span(), batch.layout, model.width(), false);
}

TEST(GoldenBert, ClassScores) {
  const auto model = load_encoder(Checkpoint::open(folder("bert-classifier")));
  ASSERT_TRUE(model.classifier.has_value());
  const Batch batch("bert-classifier");
  const auto hidden = encode(model, {batch.ids, {}, batch.layout});
  expect_recorded_rows("bert-classifier", "hidden", hidden.span(), batch.layout, model.width(), false);
  const auto scores = classify(model, batch.layout, hidden.data());
  expect_recorded_rows("bert-classifier", "scores", scores.span(), batch.layout,
                       model.spec.heads.label_count(), true);
}

}  // namespace
}  // namespace espalier::infer
