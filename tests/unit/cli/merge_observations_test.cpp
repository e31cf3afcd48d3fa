#include "cli/merge_observations.h"

#include <gtest/gtest.h>

#include "artifacts/observations.h"
#include "small_observations.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using testing::small_observations;

TEST(MergeObservations, FilesToOneFile) {
  const TemporaryFolder folder;
  const std::string a = (folder / "a").string(), b = (folder / "b").string(), out = (folder / "out").string();
  write_observations(a, small_observations(1, 20));
  write_observations(b, small_observations(2, 30));
  merge_observations({{a, b}, {}, out}, {});
  EXPECT_EQ(read_observations(out).layers[0].tokens, 50.0);
  merge_observations({{a, b}, {2, 0.5}, out}, {});
  EXPECT_EQ(read_observations(out).layers[0].tokens, 55.0);
  testing::expect_user_error([&] { merge_observations({{a, b}, {1}, out}, {}); }, {"1 weights for 2"});
}

}  // namespace
}  // namespace espalier
