#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"

namespace espalier {
namespace {

TEST(VersionVerb, SaysWhatTheProgramIsBuiltFrom) {
  const ProgramRun text = run_program({"version"});
  EXPECT_EQ(text.exit_code, 0);
  const nlohmann::json json = nlohmann::json::parse(run_program({"version", "--json"}).out);
  for (const char* key : {"version", "compiler", "tensor_libraries"}) {
    const std::string value = json.at(key);
    EXPECT_NE(value, "");
    EXPECT_THAT(text.out, testing::HasSubstr(value));
  }
}

}  // namespace
}  // namespace espalier
