#include <gtest/gtest.h>

#include "unit/base/user_error.h"
#include "unit/sweep/small_grid.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

/// `toml` in front of a grid that is good but for the keys it lacks, and what the error must say.
struct BadGrid {
  const char* toml;
  std::vector<std::string> fragments;
};

void PrintTo(const BadGrid& bad, std::ostream* out) {
  *out << bad.toml;
}

const std::vector<BadGrid> kBadGrids{
    {"", {"grid.toml: the key settings is missing"}},
    {"tasks = [\"rte\"", {"grid.toml:1:15: not valid TOML: "}},
    {"a = 1\na = 2\n", {"grid.toml:2:5: not valid TOML: "}},
    {"task = [\"rte\"]\n", {"grid.toml:1: task: unknown key", "did you mean tasks?"}},
    {"[settings]\n", {"grid.toml:1: settings: no setting", "[settings.moe]"}},
    {"settings = 3\n", {"grid.toml:1: settings: found a number, expected a table [settings]"}},
    {"[settings]\nmoe = \"m\"\n", {"grid.toml:2: settings.moe: found a string, expected a table"}},
    {"[settings.\"a/b\"]\nmodel = \"m\"\n", {"settings.a/b: not a name", "letters, digits"}},
    {"[settings.moe]\nmodel = \"m\"\n", {"grid.toml: the key tasks is missing"}},
    {"tasks = []\n[settings.moe]\nmodel = \"m\"\n", {"grid.toml:1: tasks: the list is empty"}},
    {"tasks = [1]\n[settings.moe]\nmodel = \"m\"\n", {"tasks: found a number in the list, expected strings"}},
    {"tasks = [\"rtf\"]\n[settings.moe]\nmodel = \"m\"\n",
     {"grid.toml:1: tasks: there is no task \"rtf\"", "did you mean rte?"}},
    {"tasks = [\"rte\", \"rte\"]\n[settings.moe]\nmodel = \"m\"\n", {"tasks: rte is listed twice"}},
    {"tasks = [\"rte\"]\n[settings.moe]\nmodel = \"m\"\n", {"grid.toml: the key seeds is missing"}},
    {"tasks = [\"rte\"]\nseeds = 3\n[settings.moe]\nmodel = \"m\"\n",
     {"grid.toml:2: seeds: found a number, expected a list of whole numbers"}},
    {"tasks = [\"rte\"]\nseeds = [1, -2]\n[settings.moe]\nmodel = \"m\"\n", {"seeds: found -2 in the list"}},
    {"tasks = [\"rte\"]\nseeds = [1.5]\n[settings.moe]\nmodel = \"m\"\n",
     {"seeds: found a number in the list"}},
    {"tasks = [\"rte\"]\nseeds = [1, 1]\n[settings.moe]\nmodel = \"m\"\n", {"seeds: 1 is listed twice"}},
    {"tasks = [\"rte\"]\nseeds = [1]\n[settings.moe]\n", {"grid.toml: settings.moe: no model", "model = "}},
    {"tasks = [\"rte\"]\nseeds = [1]\nreference = \"mo\"\n[settings.moe]\nmodel = \"m\"\n",
     {"grid.toml:3: reference: there is no setting mo", "did you mean moe?"}},
    {"tasks = [\"rte\"]\nseeds = [1]\naverage = [\"cola\"]\n[settings.moe]\nmodel = \"m\"\n",
     {"grid.toml:3: average: cola is not a task of this grid", "known: rte"}},
    {"[settings.moe]\nmodl = \"m\"\n",
     {"grid.toml:2: settings.moe.modl: unknown key", "did you mean model?"}},
    {"[options]\nbach = 16\n", {"grid.toml:2: options.bach: unknown key", "did you mean batch?"}},
    {"[options]\nout = \"x\"\n",
     {"grid.toml:2: options.out: the sweep gives this option to each run itself"}},
    {"[options]\nseed = 3\n", {"options.seed: the sweep gives this option"}},
    {"[options]\nregression = 1\n", {"options.regression: expected true or false"}},
    {"[options]\nepochs = true\n", {"options.epochs: found true or false, expected a string or a number"}},
    {"[options]\nepochs = [1, 2]\n", {"options.epochs: found a list, expected one value"}},
    {"[options]\nmoe-layers = []\n", {"options.moe-layers: the list is empty"}},
    {"[options]\nepochs = 2020-01-01\n", {"options.epochs: found a date or time"}},
    {"tasks = [\"rte\"]\nseeds = [1]\n[settings.moe]\nmodel = \"m\"\n[task-options.cola]\nepochs = 1\n",
     {"grid.toml:5: task-options.cola: unknown key", "known: rte"}},
    {"tasks = [\"rte\"]\nseeds = [1]\n[settings.moe]\nmodel = \"m\"\nepochs = 2\n[task-options.rte]\nepochs "
     "= 1\n",
     {"grid.toml:7: task-options.rte.epochs: [settings.moe] gives another epochs"}},
    {"tasks = \"rte\"\nseeds = [1]\ntoken-budget = -1\n[settings.moe]\nmodel = \"m\"\n",
     {"grid.toml:3: token-budget: found -1, expected a whole number"}},
    {"tasks = \"rte\"\nseeds = [1]\n[settings.moe]\nmodel = \"m\"\ntasks = \"cola\"\n",
     {"grid.toml:5: settings.moe.tasks: cola is not a task of this grid", "known: rte"}},
    {"tasks = \"rte\"\nseeds = [1]\n[settings.moe]\nmodel = \"m\"\n[settings.b]\nafter = \"mo\"\n",
     {"settings.b.after: there is no setting mo", "did you mean moe?"}},
    {"tasks = \"rte\"\nseeds = [1]\n[settings.moe]\nmodel = \"m\"\n[settings.b]\nafter = \"b\"\n",
     {"settings.b.after: b is a second pass itself"}},
    {"tasks = \"rte\"\nseeds = [1]\n[settings.moe]\nmodel = \"m\"\n[settings.b]\nafter = \"moe\"\nmodel = "
     "\"n\"\n",
     {"settings.b.model: the model is the one that moe leaves"}},
    {"tasks = \"rte\"\nseeds = [1]\n[settings.moe]\nmodel = \"m\"\n[settings.b]\nafter = \"moe\"\nseeds = "
     "[2]\n",
     {"settings.b.after: moe is not run on rte with all its seeds"}},
};

class CorruptGrid : public ::testing::TestWithParam<BadGrid> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptGrid, ::testing::ValuesIn(kBadGrids));

TEST_P(CorruptGrid, IsAUserErrorThatNamesLineAndKey) {
  expect_user_error([] { parse_small_grid(GetParam().toml); }, GetParam().fragments);
}

TEST(CorruptGrid, ZeroBytesAndNestingAreNoTrouble) {
  using std::string_view_literals::operator""sv;
  expect_user_error([] { parse_small_grid("tasks = \"a\0b\""sv); }, {"grid.toml:1"});
  expect_user_error([] { parse_small_grid("a = " + std::string(100000, '[')); }, {"grid.toml:1"});
}

}  // namespace
}  // namespace espalier
