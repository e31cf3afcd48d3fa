// Bad input for every artifact: what the error says, where, and what it hints at.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "artifacts/bench_result.h"
#include "artifacts/eval_result.h"
#include "artifacts/metrics.h"
#include "artifacts/object_reader.h"
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
    {"UnknownKey", &kLine, "\"lr\"", "\"lr\":1,\"sep\"", "unknown key \"sep\"", "\"step\""},
    {"UnknownKeyInManifest", &kManifest, "\"seed\"", "\"sed\":1,\"seed\"", "unknown key \"sed\"", "\"seed\""},
    {"UnknownKeyInMachine", &kManifest, "\"cpu\"", "\"gpu\":\"\",\"cpu\"", "machine: unknown key", "\"cpu\""},
    {"UnknownKeyInBenchRow", &kBench, "\"batch\"", "\"bach\":1,\"batch\"", "row 0: unknown key", "\"batch\""},
    {"UnknownKeyInThroughput", &kBench, "\"median\"", "\"mean\":1,\"median\"", "unknown key \"mean\"", "me"},
    {"RepeatedKey", &kEval, "\"split\"", "\"task\":\"x\",\"split\"", "\"task\" appears twice", ""},
    {"MissingKey", &kLine, "\"lr\":0.1,", "", "\"lr\" is missing", ""},
    {"WrongFormat", &kEval, "espalier.eval/1", "espalier.bench/1", "expected \"espalier.eval/1\"", "newer"},
    {"LaterFormat", &kLine, "metrics/1", "metrics/2", "expected \"espalier.metrics/1\"", "newer"},
    {"NoFormat", &kBench, "\"format\":\"espalier.bench/1\",", "", "\"format\" is absent", ""},
    {"CutOff", &kManifest, "\"peak_rss_bytes\":3}", "", "not JSON", "cut off"},
    {"NotAnObject", &kEval, kEval.c_str(), "[1]", "expected a JSON object", ""},
    {"Empty", &kEval, kEval.c_str(), "", "not JSON", ""},
    {"BrokenUtf8", &kEval, "sst2", "\xff\xfe", "not JSON", ""},
    {"TextForNumber", &kLine, "\"loss\":1.5", "\"loss\":\"1.5\"", "\"loss\" is \"1.5\", expected a number",
     ""},
    {"FractionForInteger", &kLine, "\"step\":10", "\"step\":10.5", "expected an integer", ""},
    {"NegativeStep", &kLine, "\"step\":10", "\"step\":-1", "from 0", ""},
    {"StepPastInt64", &kLine, "\"step\":10", "\"step\":18446744073709551615", "expected an integer", ""},
    {"NegativeBytes", &kManifest, "\"peak_rss_bytes\":3", "\"peak_rss_bytes\":-3", "0 or more", ""},
    {"LayerNotANumber", &kLine, "\"survivors\":{\"1\"", "\"survivors\":{\"one\"", "\"one\" is not a layer",
     ""},
    {"LayerWithZero", &kLine, "\"survivors\":{\"1\"", "\"survivors\":{\"01\"", "\"01\" is not a layer", ""},
    {"LayerNegative", &kLine, "\"survivors\":{\"1\"", "\"survivors\":{\"-1\"", "\"-1\" is not a layer", ""},
    {"SurvivorsNegative", &kLine, "\"1\":8", "\"1\":-8", "survivors", ""},
    {"ShareAboveOne", &kLine, "[0.5,0.5]", "[1.5,0.5]", "shares from 0 to 1", ""},
    {"ShareNull", &kLine, "[0.5,0.5]", "[null,0.5]", "shares from 0 to 1", ""},
    {"UnknownStatus", &kManifest, "finished", "done", "\"status\" is \"done\", expected running", ""},
    {"OptionsArray", &kManifest, "{\"lr\":0.1}", "[]", "\"options\" is an array", ""},
    {"VersionNumber", &kManifest, "\"0.1.0\"", "1", "\"versions\"", ""},
    {"CommandNumber", &kManifest, "[\"espalier\"]", "[1]", "array of strings", ""},
    {"MetricText", &kEval, "0.81", "\"good\"", "\"metrics\"", ""},
    {"NoRuns", &kBench, "\"runs\":5", "\"runs\":0", "\"runs\" is 0", ""},
};

INSTANTIATE_TEST_SUITE_P(Artifacts, StrictReading, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(ParseJson, RefusesBottomlessNesting) {
  const std::string deep(100'000, '[');
  EXPECT_THROW(parse_json(deep, "f"), UserError);
  EXPECT_NO_THROW(parse_json("[[[[1]]]]", "f"));
}

TEST(ParseJson, SaysAtWhichByte) {
  try {
    parse_json(R"({"a": tru})", "f.json");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("f.json: not JSON: parse error at line 1, column"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace espalier
