#include "infer/row_parts.h"

#include <gtest/gtest.h>

#include <set>

namespace espalier::infer {
namespace {

// The parts of all threads are all rows once, in order, each of one network; a thread's rows of a network
// begin with the one that says so.
TEST(RowParts, CoverEveryRowOnce) {
  const std::vector<std::vector<std::int32_t>> layouts{
      {0, 0}, {0, 1}, {0, 4096}, {0, 0, 3, 3, 1000, 1257, 1257}, {0, 512, 513, 2000}};
  for (const auto& offsets : layouts)
    for (const int threads : {1, 2, 3, 7}) {
      std::int64_t next = 0;
      for (int thread = 0; thread < threads; ++thread) {
        std::set<std::int64_t> begun;
        for (const auto& part : row_parts(offsets, thread, threads, 700)) {
          const auto e = static_cast<std::size_t>(part.network);
          EXPECT_EQ(part.first, next);
          EXPECT_GE(part.first, offsets[e]);
          EXPECT_LE(part.first + part.rows, offsets[e + 1]);
          EXPECT_GE(part.rows, 1);
          EXPECT_LE(part.rows, 700);
          EXPECT_EQ(part.begins_share, begun.insert(part.network).second);
          next += part.rows;
        }
        EXPECT_EQ(next, static_cast<std::int64_t>(offsets.back()) * (thread + 1) / threads);
      }
    }
}

}  // namespace
}  // namespace espalier::infer
