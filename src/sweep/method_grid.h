#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sweep/grid.h"
#include "sweep/grid_runs.h"

namespace espalier {

/// A calibration or evaluation text.
struct GridText {
  std::string name;                ///< of a folder or file
  std::vector<std::string> files;  ///< of a mixture: names of calibration texts
};

/// Methods x shares kept x calibration texts x seeds: one model pruned in every way, without training.
/// docs/formats/sweep.md has the file.
struct MethodGrid {
  std::string model;
  std::vector<std::string> keep;      ///< as --keep takes them: "0.5", "4"
  std::vector<std::uint64_t> seeds;   ///< of the calibration samples and of what is drawn
  std::vector<GridText> calibration;  ///< observed
  std::vector<GridText> mixtures;     ///< observations of calibration texts, added up
  std::vector<GridText> evaluation;   ///< one file each
  std::vector<GridSetting> methods;   ///< options of `prune`
  OptionValues observe, prune;        ///< of every calibration run, of every run
  std::string reference;              ///< the method that others are compared with
};

std::vector<std::string> names_of(const std::vector<GridText>& texts);

/// Whether a file is a grid of methods: it has [methods].
bool is_method_grid(std::string_view toml, std::string_view where);

/// Reads a grid. Throws UserError that begins with `where` and the line, as `parse_grid` does.
MethodGrid parse_method_grid(std::string_view toml, std::string_view where,
                             std::span<const GridOption> observe, std::span<const GridOption> prune);

/// What several runs share: a file of observations, made once.
struct SharedObservations {
  std::filesystem::path file;
  std::uint64_t seed = 0;
  OptionValues options;  ///< of `observe`, without --out
};
/// Calibration texts first, then the mixtures made of them.
std::vector<SharedObservations> observations_of(const MethodGrid& grid, const std::filesystem::path& out);

/// The calibration of runs that look at no data.
constexpr std::string_view kDataFree = "data-free";

/// What a method takes into account beside the model.
enum class MethodInputs { kData, kSeed, kNothing };

/// Every run of `prune`, seeds first. Methods without data have one calibration, `kDataFree`, and those that
/// draw nothing one seed. Their `arguments` are still to be made. A run's `task` is "CALIBRATION-KEEP", its
/// `setting` the method.
std::vector<GridRun> runs_of(const MethodGrid& grid, const std::filesystem::path& out,
                             const std::function<MethodInputs(const GridSetting&)>& inputs_of);

}  // namespace espalier
