#include "sweep/method_grid.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using Words = std::vector<std::string>;

const std::string kGrid = R"(model = "models/moe"
keep = [0.5, 2]
seeds = [1, 2]
[calibration]
wiki = "wiki.txt"
news = ["a.txt", "b.txt"]
[mixtures]
both = ["wiki", "news"]
[evaluation]
wiki = "test.txt"
[observe]
samples = 8
[options]
eval-limit = 4
[methods.reap]
criterion = "reap"
[methods.magnitude]
criterion = "magnitude"
[methods.random]
criterion = "random"
)";

MethodGrid parse(const std::string& toml) {
  const std::vector<GridOption> observe{{"samples"}, {"seq-len"}},
      prune{{"criterion"}, {"action"}, {"eval-limit"}, {"drop-mtp", GridValue::kFlag}};
  return parse_method_grid(toml, "grid.toml", observe, prune);
}

MethodInputs inputs_of(const GridSetting& method) {
  if (method.name == "magnitude") return MethodInputs::kNothing;
  return method.name == "random" ? MethodInputs::kSeed : MethodInputs::kData;
}

TEST(MethodGrid, IsKnownByItsMethods) {
  EXPECT_TRUE(is_method_grid(kGrid, "grid.toml"));
  EXPECT_FALSE(is_method_grid("tasks = \"rte\"\n", "grid.toml"));
}

TEST(MethodGrid, ObservesEachTextOnceASeedAndMergesMixtures) {
  const auto all = observations_of(parse(kGrid), "out");
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[0].file, "out/observations/wiki/seed-1.safetensors");
  EXPECT_EQ(all[1].options, (OptionValues{{"model", Words{"models/moe"}},
                                          {"data", Words{"a.txt", "b.txt"}},
                                          {"samples", Words{"8"}},
                                          {"resume", Words{}}}));
  EXPECT_EQ(all[5].file, "out/observations/both/seed-2.safetensors");
  EXPECT_EQ(all[5].seed, 2u);
  EXPECT_EQ(all[5].options, (OptionValues{{"merge", Words{"out/observations/wiki/seed-2.safetensors",
                                                          "out/observations/news/seed-2.safetensors"}}}));
}

TEST(MethodGrid, RunsEveryMethodWithWhatItLooksAt) {
  const auto runs = runs_of(parse(kGrid), "out", inputs_of);
  const auto of = [&](const std::string& method) {
    return std::count_if(runs.begin(), runs.end(), [&](const GridRun& run) { return run.setting == method; });
  };
  EXPECT_EQ(of("reap"), 3 * 2 * 2) << "calibrations x keep x seeds";
  EXPECT_EQ(of("magnitude"), 2) << "the same under every seed and text";
  EXPECT_EQ(of("random"), 2 * 2);
  EXPECT_EQ(runs.front().name(), "wiki-0.5/reap/seed-1");
  EXPECT_EQ(runs.front().folder, "out/wiki/0.5/reap/seed-1");
  EXPECT_EQ(runs.front().options,
            (OptionValues{{"model", Words{"models/moe"}},
                          {"keep", Words{"0.5"}},
                          {"criterion", Words{"reap"}},
                          {"eval-limit", Words{"4"}},
                          {"observations", Words{"out/observations/wiki/seed-1.safetensors"}},
                          {"compare", Words{"wiki=test.txt"}}}));
  const auto random =
      std::find_if(runs.begin(), runs.end(), [](const GridRun& run) { return run.setting == "random"; });
  EXPECT_EQ(random->folder, "out/data-free/0.5/random/seed-1");
  EXPECT_FALSE(random->options.contains("observations"));
}

TEST(MethodGrid, ComparesWithRandomUnlessTold) {
  EXPECT_EQ(parse(kGrid).reference, "random");
  EXPECT_EQ(parse("reference = \"reap\"\n" + kGrid).reference, "reap");
}

std::string with(const std::string& old, const std::string& replacement) {
  auto text = kGrid;
  return text.replace(text.find(old), old.size(), replacement);
}

TEST(MethodGrid, NamesWhatIsWrongAndWhere) {
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {with("keep =", "kep ="), {"grid.toml:2", "kep", "keep"}},
      {with("seeds = [1, 2]", "seeds = [1, 1]"), {"grid.toml:3", "twice"}},
      {with("both = [\"wiki\", \"news\"]", "both = [\"wiki\", \"nws\"]"),
       {"grid.toml:8", "nws", "did you mean news"}},
      {with("both =", "wiki ="), {"grid.toml:8", "calibration text has this name"}},
      {with("wiki = \"test.txt\"", "wiki = [\"a\", \"b\"]"), {"grid.toml:10", "2 files, expected one"}},
      {with("samples", "sampels"), {"grid.toml:12", "sampels", "samples"}},
      {with("eval-limit = 4", "seed = 4"), {"grid.toml:14", "the sweep gives this option"}},
      {with("criterion = \"reap\"", "eval-limit = 1"), {"grid.toml:15", "no criterion"}},
      {with("criterion = \"reap\"", "action = \"drop\""), {"grid.toml:15", "no criterion"}},
      {with("[methods.reap]", "[methods.\"re ap\"]"), {"grid.toml:15", "letters, digits"}},
      {"reference = \"raep\"\n" + kGrid, {"grid.toml:1", "did you mean reap"}},
  };
  for (const auto& [toml, fragments] : cases) {
    SCOPED_TRACE(fragments[1]);
    expect_user_error([&, &toml = toml] { parse(toml); }, fragments);
  }
}

// toml++ tells whitespace from letters by code that calls some letters unreachable.
TEST(MethodGrid, LettersOutsideQuotes) {
  for (const char* letter : {"\u00E9", "\u0444", "\uFCFF", "\U0001F600"}) {
    SCOPED_TRACE(letter);
    expect_user_error([&] { parse(letter + kGrid); }, {"grid.toml:1"});
    expect_user_error([&] { parse("keep = " + std::string(letter) + "\n" + kGrid); }, {"grid.toml:1"});
    EXPECT_EQ(parse(kGrid + "# " + letter + "\n").seeds.size(), 2U) << "in a comment";
  }
}

}  // namespace
}  // namespace espalier
