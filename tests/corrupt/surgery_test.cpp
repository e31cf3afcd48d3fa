// Plans that do not fit a model, and surroundings that do not let it be written.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "paths.h"
#include "unit/base/user_error.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using namespace fixtures;

const std::vector<int> kKeep{1, 2, 5, 6};

/// A plan that keeps `kKeep` everywhere, changed; and what must be said of it.
struct BadPlan {
  const char* title;
  const char* model_type;
  std::function<void(Plan&)> change;
  SurgeryOptions options;
  std::vector<std::string> fragments;
};

const std::vector<BadPlan> kBadPlans{
    {"a layer without experts",
     "deepseek",
     [](Plan& p) { p.layers[0].layer = 0; },
     {},
     {"plan.json: layer 0 has no experts in"}},
    {"a layer that is not there",
     "mixtral",
     [](Plan& p) { p.layers[2].layer = 99'999; },
     {},
     {"layer 99999 has no experts"}},
    {"another number of experts",
     "mixtral",
     [](Plan& p) { p.layers[1].num_experts_before = 16; },
     {},
     {"layer 1: the plan is for 16 experts", "has 8"}},
    {"another model",
     "mixtral",
     [](Plan& p) { p.provenance.topology_sha256 = std::string(64, 'a'); },
     {},
     {"the plan was made for another model (topology aaaaaaaaaaaa..",
      "make the plan from scores of this model"}},
    {"no expert",
     "mixtral",
     [](Plan& p) { p.layers[0].keep.clear(); },
     {},
     {"layers[0].keep: no expert is left"}},
    {"fewer than K",
     "mixtral",
     [](Plan& p) {
       for (auto& l : p.layers) l.keep = {3};
     },
     {},
     {"layer 0 has 1 experts afterwards, of which a token can reach 1, but experts_per_token is 2",
      "--experts-per-token"}},
    {"fewer than K within groups",
     "deepseek_v3",
     [](Plan& p) {
       for (auto& l : p.layers) l.keep = {1, 6};
     },
     {},
     {"layer 1 has 2 experts afterwards, of which a token can reach 1", "--experts-per-token"}},
    {"unequal layers",
     "mixtral",
     [](Plan& p) {
       p.layers[1].keep = {0, 1};
     },
     {},
     {"layer 0 keeps 4 experts and layer 1 keeps 2, but config.json has one count", "--allow-unequal"}},
    {"a layer left alone",
     "mixtral",
     [](Plan& p) { p.layers.pop_back(); },
     {},
     {"layer 2 keeps 8", "--allow-unequal"}},
    {"unequal layers and a next-token layer",
     "deepseek_v3",
     [](Plan& p) { p.layers[1].keep = {0, 1, 2, 4, 5, 6}; },
     {.unequal = UnequalCounts::kAsList},
     {"the multi-token-prediction layer 3 has no count of its own", "--drop-mtp"}},
    {"a next-token layer with a count of its own",
     "deepseek_v3",
     [](Plan& p) {
       p.layers.push_back({3, 8, {0, 1, 2, 4, 5, 6}, {}, {}, {}});
     },
     {},
     {"the multi-token-prediction layer 3 keeps 6 experts, the others 4"}},
    {"unequal groups",
     "deepseek_v3",
     [](Plan& p) {
       p.layers[0].keep = {0, 1, 2, 4};
     },
     {},
     {"layer 1: the router has 2 groups of 4 experts, which would keep 3, 1", "--reset-groups"}},
    {"a count that groups cannot hold",
     "deepseek_v3",
     [](Plan& p) {
       for (auto& l : p.layers) l.keep = {0, 1, 4};
     },
     {},
     {"--reset-groups"}},
    {"zero_output",
     "mixtral",
     [](Plan& p) { p.router = PlanRouter::kZeroOutput; },
     {},
     {"zero_output keeps rows of experts that are gone", "--zero-fill"}},
    {"--zero-fill for another router",
     "mixtral",
     [](Plan&) {},
     {.zero_output = ZeroOutput::kZeroFill},
     {"--zero-fill is for plans with the router zero_output"}},
    {"K of a router that always takes one",
     "switch_transformers",
     [](Plan& p) { p.experts_per_token = 2; },
     {},
     {"experts_per_token: found 2, but this architecture always takes 1"}},
};

TEST(CorruptSurgery, PlansThatDoNotFitAreUserErrorsAndNothingIsWritten) {
  for (const BadPlan& bad : kBadPlans) {
    SCOPED_TRACE(bad.title);
    const SurgeryFolder folder;
    const Checkpoint model = store_small(folder.model(), bad.model_type);
    const std::string type = bad.model_type;
    Plan plan = plan_keeping(planned_layers(model), kKeep, 8, type == "switch_transformers" ? 1 : 2);
    bad.change(plan);
    write_file(folder.plan_file(), plan_to_json(plan));
    auto options = folder.options();
    options.surgery = bad.options;
    expect_user_error(
        [&] {
          apply_to_files(
              options, [](const Progress&) {}, [](auto) {});
        },
        bad.fragments);
    EXPECT_FALSE(fs::exists(folder.out()));
    EXPECT_FALSE(fs::exists(folder / "out.partial"));
  }
}

TEST(CorruptSurgery, AModelWithoutExperts) {
  const SurgeryFolder folder;
  const fs::path bert = fs::path(source_dir()) / "tests/golden/bert";
  write_plan(folder.plan_file(), plan_keeping({0}, kKeep));
  expect_user_error([&] { prepare_surgery(bert, folder.plan_file(), {}, 0); }, {"bert: has no experts"});
}

TEST(CorruptSurgery, AnUnknownArchitecture) {
  const SurgeryFolder folder;
  auto config = small_config("mixtral");
  config["model_type"] = "mixtrall";
  store(folder.model(), config, small_tensors("mixtral"));
  write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, kKeep));
  expect_user_error(
      [&] { prepare_surgery(folder.model(), folder.plan_file(), {}, 0); },
      {"model_type: \"mixtrall\" is not a supported architecture", "mixtral, phimoe", "CONTRIBUTING.md"});
}

TEST(CorruptSurgery, ScoresThatCannotBeReadAreFoundBeforeTheWork) {
  const SurgeryFolder folder;
  store_small(folder.model(), "mixtral");
  auto options = folder.options();
  options.scores = folder / "scores.json";
  write_file(*options.scores, "{}");
  expect_user_error([&] { folder.apply(plan_keeping({0, 1, 2}, kKeep), options); }, {"scores.json"});
  EXPECT_FALSE(fs::exists(folder / "out.partial"));
}

// A full disk as a file-size limit, in a process of its own.
TEST(CorruptSurgery, AFullDisk) {
  const SurgeryFolder folder;
  store_small(folder.model(), "mixtral", SmallStorage::kPublished, 3);
  const Plan plan = plan_keeping({0, 1, 2}, kKeep);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{3'000, 3'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, kKeep));
      apply_to_files(
          folder.options(), [](const Progress&) {}, [](auto) {});
    } catch (const UserError& error) {
      _exit(std::string(error.what()).find("more than a file may have") != std::string::npos ? 2 : 3);
    } catch (...) {
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_FALSE(fs::exists(folder.out()));
  EXPECT_FALSE(fs::exists(folder / "out.partial"));
  folder.apply(plan);
  folder.verify();
}

}  // namespace
}  // namespace espalier
