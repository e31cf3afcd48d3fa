#include "arch/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "arch/config_fields.h"
#include "base/error.h"

namespace espalier::arch {
namespace {

const Family* find_family(std::string_view model_type) {
  const auto all = families();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Family& family) { return family.model_type == model_type; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

const Family& family_of(const nlohmann::json& config, std::string_view source) {
  JsonObject object(config, std::string(source));
  const std::string model_type = object.string("model_type");
  if (const Family* family = find_family(model_type)) return *family;
  std::vector<std::string_view> known;
  for (const Family& family : families()) known.push_back(family.model_type);
  object.fail("model_type", fmt::format("\"{}\" is not a supported architecture", model_type),
              fmt::format("known: {}; one more is a file in src/arch/families (CONTRIBUTING.md)",
                          fmt::join(known, ", ")));
}

const Family& family_named(std::string_view model_type) {
  if (const Family* family = find_family(model_type)) return *family;
  throw InternalError(fmt::format("{} is in no table", model_type));
}

ModelSpec read_spec(const nlohmann::json& config, std::string_view source) {
  const Family& family = family_of(config, source);
  ConfigFields fields(config, source, family);
  return family.read(fields);
}

nlohmann::json write_spec(const ModelSpec& spec, const nlohmann::json& fields) {
  return family_named(spec.family).write(spec, fields);
}

void expect_runs(const ModelSpec& spec, std::string_view source) {
  const Family& family = family_named(spec.family);
  if (family.can.missing.empty()) return;
  throw UserError(
      fmt::format("{}: model_type: {} models are inspected and pruned, but not run: that takes {}", source,
                  family.model_type, family.can.missing),
      "observe it elsewhere, or plan from a list of experts");
}

}  // namespace espalier::arch
