#include "observe/observe_state.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/output_path.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKind = "observe_state";
constexpr int kVersion = 2;

}  // namespace

ObserveState::ObserveState(const std::filesystem::path& out)
    : folder_(follow_links(out).string() + ".state") {}

bool ObserveState::exists() const {
  return std::filesystem::exists(folder_ / "state.json");
}

std::int64_t ObserveState::layers_done(const nlohmann::json& run) const {
  const auto file = folder_ / "state.json";
  JsonObject state(read_json(file), file.string());
  state.expect_format(kKind, kVersion);
  const std::int64_t done = state.integer("layers_done", {1, 1 << 20});
  const nlohmann::json& saved = state.value("run");
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

UsedWeights ObserveState::weights() const {
  const auto file = folder_ / "state.json";
  JsonObject state(read_json(file), file.string());
  UsedWeights weights{state.string("stamps"), {}};
  const nlohmann::json& layers = state.value("layer_sums");
  if (!layers.is_array()) state.fail("layer_sums", "expected an array");
  for (const nlohmann::json& layer : layers) {
    if (!layer.is_number_unsigned()) state.fail("layer_sums", "expected whole numbers");
    weights.layers.push_back(layer.get<std::uint64_t>());
  }
  return weights;
}

void ObserveState::commit(const nlohmann::json& run, const UsedWeights& weights,
                          const Observations& observations) const {
  const auto layers_done = static_cast<std::int64_t>(weights.layers.size());
  write_observations(observations_file(layers_done), observations);
  const nlohmann::json state = {{"format", fmt::format("espalier.{}/{}", kKind, kVersion)},
                                {"layers_done", layers_done},
                                {"run", run},
                                {"stamps", weights.stamps},
                                {"layer_sums", weights.layers}};
  write_file(folder_ / "state.json", dump_json(state));
}

FolderLock ObserveState::create() const {
  fs::path out = folder_;
  if (is_special_file(out.replace_extension()))
    throw UserError(
        fmt::format("{}: is no file, and the state of an unfinished run must lie beside it", out.string()),
        "name a file");
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error)
    throw UserError(fmt::format("{}: cannot create the folder: {}", folder_.string(), error.message()),
                    "check that the folder of --out may be written to");
  return lock_for_writing(folder_);
}

void ObserveState::remove() const {
  std::error_code ignored;
  std::filesystem::remove(folder_ / "state.json", ignored);  // first: without it the rest is no state
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace espalier
