#include "artifacts/run_cell.h"

#include <gtest/gtest.h>

#include <cmath>

#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

RunCell small_cell() {
  RunCell cell{.task = "rte",
               .setting = "eager",
               .seed = 3,
               .options = {{"epochs", "5"}, {"seed", "3"}},
               .weights_sha256 = "ab",
               .eval = {"rte", "dev", 277, {{"accuracy", 0.75}}, {}, {}},
               .steps = 40,
               .tokens = 1234,
               .parameters = 99,
               .train_seconds = 1.5,
               .peak_rss_bytes = 7,
               .cpu = "cpu",
               .version = "0.1.0",
               .started_at = "2025-01-31T23:59:59Z"};
  cell.eval.baselines["largest_class"] = {{"accuracy", 0.5}};
  cell.windows = {{10, {{1, {0, 2, 5}, {0.5, std::nan(""), 0.25}, {5, 0, 3}, {0, 5}}}}};
  return cell;
}

TEST(RunCell, IsWrittenAndReadBack) {
  const auto text = cell_to_json(small_cell());
  const auto back = cell_from_json(text, "cell");
  EXPECT_EQ(cell_to_json(back), text);
  EXPECT_EQ(back.windows[0].layers[0].experts, (std::vector<int>{0, 2, 5}));
  EXPECT_TRUE(std::isnan(back.windows[0].layers[0].scores[1]));
  EXPECT_EQ(back.eval.baselines.at("largest_class").at("accuracy"), 0.5);
  EXPECT_EQ(back.tokens, 1234);
}

TEST(RunCell, RefusesWhatIsNone) {
  const auto bad = [](const std::string& old, const std::string& now) {
    auto text = cell_to_json(small_cell());
    text.replace(text.find(old), old.size(), now);
    return [text] { cell_from_json(text, "rte/eager/seed-3.json"); };
  };
  expect_user_error(bad("espalier.cell/1", "espalier.cell/9"), {"seed-3.json", "format"});
  expect_user_error(bad("\"tokens\": 1234", "\"tokens\": -1"), {"seed-3.json: tokens", "-1"});
  expect_user_error(bad("[0.5,null,0.25]", "[0.5,0.25]"), {"found 2 scores of 3 experts"});
  expect_user_error(bad("[0.5,null,0.25]", "[0.5,\"x\",0.25]"), {"expected a list of numbers"});
  expect_user_error(bad("\"steps\"", "\"stepz\""), {"steps"});
}

TEST(RunCell, NeedsAFinishedRun) {
  TemporaryFolder folder;
  expect_user_error([&] { read_run_cell(folder.path()); }, {"not a run folder"});
}

}  // namespace
}  // namespace espalier
