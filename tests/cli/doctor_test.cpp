#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;

TEST(DoctorVerb, MeasuresAndNamesWhatIsThere) {
  const ProgramRun run = run_program({"doctor", "--json", "--threads", "1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json.at("format"), "espalier.doctor/1");
  EXPECT_EQ(json.at("threads"), 1);
  EXPECT_GT(json.at("matmul_flops_per_second").at("one_thread"), 0.0);
  EXPECT_EQ(json.at("matmul_flops_per_second").at("all_threads"),
            json.at("matmul_flops_per_second").at("one_thread"));
  EXPECT_GT(json.at("copy_bytes_per_second"), 0.0);
  EXPECT_GT(json.at("memory_bytes"), 0);
  EXPECT_THAT(json.at("available_kernels"), testing::Contains(json.at("kernels")));
  EXPECT_TRUE(json.at("libraries").contains("espalier"));
}

// Processor time, so that a busy machine does not matter. libgomp left to itself spins for ten milliseconds.
TEST(DoctorVerb, ThreadsThatWaitSleep) {
  const ProgramRun run = run_program({"doctor", "--json", "--threads", "2"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_LT(json.at("waiting_microseconds"), 1000.0);
  EXPECT_GE(json.at("openmp_runtimes").size(), 1);
}

TEST(DoctorVerb, NamesThreadsThatAreToldToSpin) {
  for (const std::string setting : {"GOMP_SPINCOUNT=300000000", "OMP_WAIT_POLICY=active"}) {
    const ProgramRun run = run_command({"env", setting, program_path(), "doctor", "--threads", "2"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("note: waiting threads spin")) << setting;
  }
}

TEST(DoctorVerb, ObeysTheChosenKernels) {
  const ProgramRun run =
      run_command({"env", "ESPALIER_ISA=baseline", program_path(), "doctor", "--threads", "2"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("vector kernels  baseline (of baseline"));
  EXPECT_THAT(run.out, HasSubstr("note: ESPALIER_ISA=baseline"));
  EXPECT_THAT(run.out, HasSubstr("GFLOP/s with 1 thread"));
}

TEST(DoctorVerb, BadInputIsAUserError) {
  EXPECT_EQ(run_program({"doctor", "me"}).exit_code, 2);
  const ProgramRun run = run_command({"env", "ESPALIER_ISA=z80", program_path(), "doctor"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("z80"));
}

}  // namespace
}  // namespace espalier
