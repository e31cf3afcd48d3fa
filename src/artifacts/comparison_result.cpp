#include "artifacts/comparison_result.h"

#include "base/files.h"
#include "base/json.h"

namespace espalier {

ComparisonResult comparison_result_from_json(std::string_view json, std::string_view where) {
  JsonObject object(parse_json(json, where), std::string(where));
  object.expect_format("comparison", 1);
  ComparisonResult result;
  result.first_perplexity = object.object("first").number("perplexity", {1.0});
  result.second_perplexity = object.object("second").number("perplexity", {1.0});
  result.kl_divergence = object.number("kl_divergence");
  result.top1_agreement = object.number("top1_agreement", {0.0, 1.0});
  result.tokens = object.integer("tokens", {1});
  return result;
}

ComparisonResult read_comparison_result(const std::filesystem::path& file) {
  return comparison_result_from_json(read_file(file), file.string());
}

}  // namespace espalier
