#include "observe/observe_state.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace espalier {
namespace {

constexpr std::string_view kKind = "observe_state";
constexpr int kVersion = 1;

}  // namespace

ObserveState::ObserveState(const std::filesystem::path& out) : folder_(out.string() + ".state") {}

bool ObserveState::exists() const {
  return std::filesystem::exists(folder_ / "state.json");
}

std::int64_t ObserveState::layers_done(const nlohmann::json& run) const {
  const auto file = folder_ / "state.json";
  JsonObject state(read_json(file), file.string());
  state.expect_format(kKind, kVersion);
  const std::int64_t done = state.integer("layers_done", {1, 1 << 20});
  const nlohmann::json& saved = state.value("run");
  state.finish();
  for (const auto& item : run.items()) {
    const auto found = saved.find(item.key());
    if (found != saved.end() && *found == item.value()) continue;
    throw UserError(fmt::format("{}: the unfinished run has {} {}, this one {}", file.string(), item.key(),
                                found == saved.end() ? "nothing" : found->dump(), item.value().dump()),
                    fmt::format("repeat that run's options, or remove {} to start again", folder_.string()));
  }
  return done;
}

std::filesystem::path ObserveState::observations_file(std::int64_t layers_done) const {
  return folder_ / fmt::format("observations-{}.safetensors", layers_done % 2);
}

std::filesystem::path ObserveState::hidden_file(std::int64_t layers_done) const {
  return folder_ / fmt::format("hidden-{}", layers_done % 2);
}

Observations ObserveState::observations(std::int64_t layers_done) const {
  return read_observations(observations_file(layers_done));
}

void ObserveState::commit(const nlohmann::json& run, std::int64_t layers_done,
                          const Observations& observations) const {
  write_observations(observations_file(layers_done), observations);
  const nlohmann::json state = {
      {"format", fmt::format("espalier.{}/{}", kKind, kVersion)}, {"layers_done", layers_done}, {"run", run}};
  write_file(folder_ / "state.json", dump_json(state));
}

void ObserveState::create() const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    throw UserError(fmt::format("{}: cannot create the folder: {}", folder_.string(), error.message()));
}

void ObserveState::remove() const {
  std::error_code ignored;
  std::filesystem::remove(folder_ / "state.json", ignored);  // first: without it the rest is no state
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace espalier
