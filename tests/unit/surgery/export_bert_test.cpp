// A dense encoder in Hugging Face's layout: the golden's own numbers under their full names.
#include "surgery/export_bert.h"

#include <gtest/gtest.h>

#include "arch/inspect.h"
#include "paths.h"
#include "temporary_folder.h"
#include "unit/arch/stored_model.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

Checkpoint golden(const char* name) {
  return Checkpoint::open(std::filesystem::path(source_dir()) / "tests/golden" / name);
}

std::vector<float> values(const TensorView& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  to_float32(tensor.dtype, tensor.bytes, values);
  return values;
}

TEST(ExportBert, KeepsNumbersAndNamesTheArchitecture) {
  const TemporaryFolder folder;
  const Checkpoint model = golden("bert-classifier");
  const BertExport made = export_bert(model, folder.path(), Dtype::kF32);
  EXPECT_EQ(made.architecture, "BertForSequenceClassification");
  const Checkpoint exported = Checkpoint::open(folder.path());
  EXPECT_EQ(exported.config().at("architectures").at(0), made.architecture);
  EXPECT_EQ(static_cast<std::uint64_t>(inspect(exported).parameters), made.parameters);
  for (const auto name : exported.names())
    EXPECT_EQ(values(exported.tensor(name)), values(model.tensor(name))) << name;
}

TEST(ExportBert, WritesFullNamesWhereTheFileHasShortOnes) {
  const TemporaryFolder folder;
  const Checkpoint model = golden("bert");
  EXPECT_EQ(export_bert(model, folder.path(), Dtype::kF32).architecture, "BertModel");
  const Checkpoint exported = Checkpoint::open(folder.path());
  EXPECT_EQ(values(exported.tensor("bert.pooler.dense.weight")), values(model.tensor("pooler.dense.weight")));
}

TEST(ExportBert, RoutersHaveNoPlace) {
  const TemporaryFolder folder;
  const Checkpoint model = fixtures::store_model(folder.path(), fixtures::tiny_moe_config());
  fixtures::expect_user_error([&] { describe_bert(model); },
                              {"layer 0 has 4 experts, layer 2 has 4 experts", "no router"});
}

}  // namespace
}  // namespace espalier
