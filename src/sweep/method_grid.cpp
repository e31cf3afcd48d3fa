#include "sweep/method_grid.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "base/output_path.h"
#include "base/toml_table.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// Options that the sweep itself gives each run.
constexpr std::string_view kPruneOptionsOfTheSweep[] = {
    "model", "data", "observations", "keep", "compare", "seed", "out", "threads", "resume", "overwrite"};

class MethodGridReader {
 public:
  MethodGridReader(std::string_view toml, std::string_view where) : file_(TomlTable::parse(toml, where)) {}

  MethodGrid read(std::span<const GridOption> observe, std::span<const GridOption> prune) {
    file_.check_keys({"model", "keep", "seeds", "reference", "calibration", "mixtures", "evaluation",
                      "observe", "options", "methods"});
    grid_.model = file_.string("model");
    grid_.keep = file_.words("keep");
    check_list(file_, "keep", grid_.keep);
    for (const auto& keep : grid_.keep)
      if (!is_plain_file_name(keep)) file_.fail("keep", fmt::format("{} names a folder, and cannot", keep));
    grid_.seeds = read_seeds(file_);
    grid_.calibration = texts_in("calibration");
    if (file_.has("mixtures")) read_mixtures();
    read_evaluation();
    if (file_.has("observe"))
      grid_.observe = read_options(file_.table("observe"), observe, {}, kPruneOptionsOfTheSweep);
    if (file_.has("options"))
      grid_.prune = read_options(file_.table("options"), prune, {}, kPruneOptionsOfTheSweep);
    read_methods(prune);
    return std::move(grid_);
  }

 private:
  std::vector<GridText> texts_in(std::string_view key) const {
    const auto table = file_.table(key);
    std::vector<GridText> texts;
    for (const auto& name : table.keys()) {
      check_folder_name(table, name);
      texts.push_back({name, table.strings(name)});
      check_list(table, name, texts.back().files);
    }
    if (texts.empty()) file_.fail(key, "the table is empty, expected lines such as news = \"news.txt\"");
    return texts;
  }

  void read_mixtures() {
    grid_.mixtures = texts_in("mixtures");
    const auto table = file_.table("mixtures");
    const auto names = names_of(grid_.calibration);
    const std::vector<std::string_view> known(names.begin(), names.end());
    for (const auto& mixture : grid_.mixtures) {
      if (std::find(known.begin(), known.end(), mixture.name) != known.end())
        table.fail(mixture.name, "a calibration text has this name");
      for (const auto& part : mixture.files)
        if (std::find(known.begin(), known.end(), part) == known.end())
          table.fail(mixture.name, fmt::format("{} is no calibration text", part), suggestion(part, known));
    }
  }

  void read_evaluation() {
    grid_.evaluation = texts_in("evaluation");
    for (const auto& text : grid_.evaluation)
      if (text.files.size() != 1)
        file_.table("evaluation")
            .fail(text.name, fmt::format("found {} files, expected one", text.files.size()));
  }

  void read_methods(std::span<const GridOption> known) {
    const auto methods = file_.table("methods");
    std::vector<std::string_view> names;
    for (const auto& name : methods.keys()) {
      check_folder_name(methods, name);
      const auto table = methods.table(name);
      grid_.methods.push_back({name, read_options(table, known, {}, kPruneOptionsOfTheSweep)});
      const bool drops = !table.has("action") || table.string("action") == "drop";
      if (drops && !table.has("criterion"))
        methods.fail(name, "no criterion, and no action that goes without",
                     "criterion = \"reap\", or action = \"merge\"");
    }
    if (grid_.methods.empty()) file_.fail("methods", "no method, expected tables such as [methods.reap]");
    for (const auto& method : grid_.methods) names.push_back(method.name);
    const auto random = std::find(names.begin(), names.end(), "random");
    grid_.reference = file_.has("reference")  ? file_.string("reference")
                      : random != names.end() ? "random"
                                              : grid_.methods.front().name;
    if (std::find(names.begin(), names.end(), grid_.reference) == names.end())
      file_.fail("reference", fmt::format("there is no method {}", grid_.reference),
                 suggestion(grid_.reference, names));
  }

  TomlTable file_;
  MethodGrid grid_;
};

fs::path observations_file(const fs::path& out, const std::string& text, std::uint64_t seed) {
  return run_folder(out, {"observations", text, fmt::format("seed-{}.safetensors", seed)});
}

GridRun run_of(const MethodGrid& grid, const GridSetting& method, const std::string& calibration,
               const std::string& keep, std::uint64_t seed, const fs::path& out) {
  const auto task = fmt::format("{}-{}", calibration, keep);
  GridRun run{task, method.name,
              seed, run_folder(out, {calibration, keep, method.name, fmt::format("seed-{}", seed)}),
              {},   {}};
  run.options = grid.prune;
  for (const auto& [name, value] : method.options) run.options[name] = value;
  run.options["model"] = std::vector{grid.model};
  run.options["keep"] = std::vector{keep};
  if (calibration != kDataFree)
    run.options["observations"] = std::vector{observations_file(out, calibration, seed).string()};
  std::vector<std::string> texts;
  for (const auto& text : grid.evaluation)
    texts.push_back(fmt::format("{}={}", text.name, text.files.front()));
  run.options["compare"] = std::move(texts);
  return run;
}

}  // namespace

std::vector<std::string> names_of(const std::vector<GridText>& texts) {
  std::vector<std::string> names;
  for (const auto& text : texts) names.push_back(text.name);
  return names;
}

bool is_method_grid(std::string_view toml, std::string_view where) {
  return TomlTable::parse(toml, where).has("methods");
}

MethodGrid parse_method_grid(std::string_view toml, std::string_view where,
                             std::span<const GridOption> observe, std::span<const GridOption> prune) {
  return MethodGridReader(toml, where).read(observe, prune);
}

std::vector<SharedObservations> observations_of(const MethodGrid& grid, const fs::path& out) {
  std::vector<SharedObservations> all;
  for (const auto seed : grid.seeds) {
    for (const auto& text : grid.calibration) {
      OptionValues options = grid.observe;
      options["model"] = std::vector{grid.model};
      options["data"] = text.files;
      options["resume"] = std::vector<std::string>{};
      all.push_back({observations_file(out, text.name, seed), seed, std::move(options)});
    }
    for (const auto& mixture : grid.mixtures) {
      std::vector<std::string> parts;
      for (const auto& part : mixture.files) parts.push_back(observations_file(out, part, seed).string());
      all.push_back({observations_file(out, mixture.name, seed), seed, {{"merge", std::move(parts)}}});
    }
  }
  return all;
}

std::vector<GridRun> runs_of(const MethodGrid& grid, const fs::path& out,
                             const std::function<MethodInputs(const GridSetting&)>& inputs_of) {
  auto calibrations = names_of(grid.calibration);
  for (const auto& mixture : grid.mixtures) calibrations.push_back(mixture.name);
  std::vector<GridRun> runs;
  for (const auto seed : grid.seeds) {
    for (const auto& method : grid.methods) {
      const auto inputs = inputs_of(method);
      if (inputs == MethodInputs::kNothing && seed != grid.seeds.front()) continue;
      const auto of = inputs == MethodInputs::kData ? calibrations : std::vector{std::string(kDataFree)};
      for (const auto& calibration : of)
        for (const auto& keep : grid.keep) runs.push_back(run_of(grid, method, calibration, keep, seed, out));
    }
  }
  return runs;
}

}  // namespace espalier
