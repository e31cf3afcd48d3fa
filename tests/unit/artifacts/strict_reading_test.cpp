// Bad input for every artifact: what the error says, where, and what it hints at.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "artifacts/bench_result.h"
#include "artifacts/eval_result.h"
#include "artifacts/metrics.h"
#include "artifacts/run_manifest.h"
#include "base/error.h"

namespace espalier {
namespace {

const std::string kLine =
    R"({"format":"espalier.metrics/1","step":10,"loss":1.5,"lr":0.1,"tokens":40,"tokens_per_second":8,)"
    R"("seconds":5,"rss_bytes":9,"survivors":{"1":8},"expert_load":{"1":[0.5,0.5]}})";
const std::string kEval =
    R"({"format":"espalier.eval/1","task":"sst2","split":"dev","examples":872,"metrics":{"accuracy":0.81}})";
const std::string kBench =
    R"({"format":"espalier.bench/1","rows":[{"model":"m","threads":2,"batch":32,"seq_len":128,)"
    R"("tokens_per_second":{"median":2,"min":1,"max":3,"runs":5},"peak_rss_bytes":7,"parameters":11}]})";
const std::string kManifest =
    R"({"format":"espalier.run_manifest/1","verb":"pretrain","command":["espalier"],"status":"finished",)"
    R"("started_at":"2025-01-31T23:59:59Z","seed":42,"options":{"lr":0.1},"versions":{"espalier":"0.1.0"},)"
    R"("machine":{"cpu":"c","threads":2,"memory_bytes":5},"timings_seconds":{"train":1.5},"peak_rss_bytes":3})";

struct Case {
  const char* name;
  const std::string* good;
  const char* from;  ///< replaced in `good` ...
  const char* to;    ///< ... by this
  const char* what;  ///< part of the error
  const char* hint;  ///< part of the hint
};

void read(const std::string& good, const std::string& text) {
  if (&good == &kLine) metrics_line_from_json(text, "the_file");
  if (&good == &kEval) eval_result_from_json(text, "the_file");
  if (&good == &kBench) bench_result_from_json(text, "the_file");
  if (&good == &kManifest) manifest_from_json(text, "the_file");
}

class StrictReading : public testing::TestWithParam<Case> {};

TEST_P(StrictReading, SaysWhatIsWrong) {
  const Case& bad = GetParam();
  ASSERT_NO_THROW(read(*bad.good, *bad.good));
  std::string text = *bad.good;
  const auto at = text.find(bad.from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string(bad.from).size(), bad.to);
  try {
    read(*bad.good, text);
    FAIL() << "accepted: " << text;
  } catch (const UserError& error) {
    const std::string what = error.what();
    EXPECT_EQ(what.rfind("the_file", 0), 0u) << what;
    EXPECT_NE(what.find(bad.what), std::string::npos) << what;
    EXPECT_NE(error.hint().find(bad.hint), std::string::npos) << error.hint();
  }
}

const Case kCases[] = {
    {"UnknownKey", &kLine, "\"lr\"", "\"sep\":1,\"lr\"", "unknown field sep", "step"},
    {"UnknownKeyInManifest", &kManifest, "\"seed\"", "\"sed\":1,\"seed\"", "unknown field sed", "seed"},
    {"UnknownKeyInMachine", &kManifest, "\"cpu\"", "\"gpu\":\"\",\"cpu\"", "unknown field machine.gpu",
     "cpu"},
    {"UnknownKeyInBenchRow", &kBench, "\"batch\"", "\"bach\":1,\"batch\"", "unknown field rows[0].bach",
     "batch"},
    {"UnknownKeyInThroughput", &kBench, "\"min\"", "\"mn\":1,\"min\"", "tokens_per_second.mn", "min"},
    {"RepeatedKey", &kEval, "\"split\"", "\"task\":\"x\",\"split\"", "duplicate key \"task\"", ""},
    {"MissingKey", &kLine, "\"lr\":0.1,", "", "lr is missing", ""},
    {"MissingLoss", &kLine, "\"loss\":1.5,", "", "loss is missing", ""},
    {"WrongFormat", &kEval, "espalier.eval/1", "espalier.bench/1", "expected \"espalier.eval/1\"",
     "another kind"},
    {"LaterFormat", &kLine, "metrics/1", "metrics/2", "expected \"espalier.metrics/1\"", "another version"},
    {"NoFormat", &kBench, "\"format\":\"espalier.bench/1\",", "", "format is missing", ""},
    {"CutOff", &kManifest, "\"peak_rss_bytes\":3}", "", "not valid JSON", ""},
    {"NotAnObject", &kEval, kEval.c_str(), "[1]", "expected a JSON object", ""},
    {"Empty", &kEval, kEval.c_str(), "", "not valid JSON", ""},
    {"BrokenUtf8", &kEval, "sst2", "\xff\xfe", "not valid JSON", ""},
    {"TextForNumber", &kLine, "\"loss\":1.5", "\"loss\":\"1.5\"", "loss: found \"1.5\", expected a number",
     ""},
    {"FractionForInteger", &kLine, "\"step\":10", "\"step\":10.5", "expected an integer", ""},
    {"NegativeStep", &kLine, "\"step\":10", "\"step\":-1", "at least 0", ""},
    {"StepPastInt64", &kLine, "\"step\":10", "\"step\":18446744073709551615", "expected an integer", ""},
    {"NegativeBytes", &kManifest, "\"peak_rss_bytes\":3", "\"peak_rss_bytes\":-3", "at least 0", ""},
    {"LayerNotANumber", &kLine, "\"survivors\":{\"1\"", "\"survivors\":{\"one\"",
     "survivors.one: not a layer", ""},
    {"LayerWithZero", &kLine, "\"survivors\":{\"1\"", "\"survivors\":{\"01\"", "survivors.01: not a layer",
     ""},
    {"LayerNegative", &kLine, "\"survivors\":{\"1\"", "\"survivors\":{\"-1\"", "survivors.-1: not a layer",
     ""},
    {"SurvivorsNegative", &kLine, "\"1\":8", "\"1\":-8", "survivors.1", ""},
    {"ShareAboveOne", &kLine, "[0.5,0.5]", "[1.5,0.5]", "expert_load.1[0]: found 1.5", ""},
    {"ShareNull", &kLine, "[0.5,0.5]", "[null,0.5]", "expert_load.1[0]: found null", ""},
    {"UnknownStatus", &kManifest, "finished", "done", "status: found \"done\", expected running", ""},
    {"OptionsArray", &kManifest, "{\"lr\":0.1}", "[]", "options: expected an object", ""},
    {"VersionNumber", &kManifest, "\"0.1.0\"", "1", "versions.espalier", ""},
    {"TimingNegative", &kManifest, "\"train\":1.5", "\"train\":-1.5", "timings_seconds.train", ""},
    {"CommandNumber", &kManifest, "[\"espalier\"]", "[1]", "command[0]: found 1, expected a string", ""},
    {"MetricText", &kEval, "0.81", "\"good\"", "metrics.accuracy", ""},
    {"BaselinesArray", &kEval, "\"metrics\"", "\"baselines\":[],\"metrics\"", "baselines: found an array",
     ""},
    {"BaselineNumber", &kEval, "\"metrics\"", "\"baselines\":{\"largest_class\":0.5},\"metrics\"",
     "baselines.largest_class: found 0.5", ""},
    {"BaselineText", &kEval, "\"metrics\"", "\"baselines\":{\"largest_class\":{\"f1\":\"x\"}},\"metrics\"",
     "baselines.largest_class.f1", ""},
    {"MisspeltBaselines", &kEval, "\"metrics\"", "\"baseline\":{},\"metrics\"", "unknown field baseline",
     "baselines"},
    {"NoRuns", &kBench, "\"runs\":5", "\"runs\":0", "runs: found 0", ""},
};

INSTANTIATE_TEST_SUITE_P(Artifacts, StrictReading, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace espalier
