#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "sweep/grid.h"

namespace espalier {

/// One run of a grid.
struct GridRun {
  std::string task, setting;
  std::uint64_t seed = 0;
  std::filesystem::path folder;           ///< OUT/TASK/SETTING/seed-N
  OptionValues options;                   ///< of the verb, without --out, --threads and how it starts
  std::vector<std::string> arguments;     ///< the same as a command line, which the verb's table makes
  std::filesystem::path first_pass = {};  ///< folder of the run whose model it starts from; or empty
  std::filesystem::path cell = {};        ///< where it is kept once it is finished; or empty
  std::string inputs = {};  ///< what it depends on beside them (sweep/run_inputs.h); may be empty

  std::string name() const;           ///< "rte/moe/seed-3"
  std::filesystem::path log() const;  ///< what the run prints, beside its folder
};

/// `out` / names, each the name of one folder or file. Throws UserError for one that would lead elsewhere:
/// every path of a grid is made here.
std::filesystem::path run_folder(std::filesystem::path out, std::initializer_list<std::string_view> names);

/// Every run once: the first seed of every task in every setting, then the second seeds, .., so that a sweep
/// that is stopped has whole rows over fewer seeds. Their `arguments` are still to be made.
std::vector<GridRun> runs_of(const Grid& grid, const std::filesystem::path& out);

/// Option -> its words, of a command without the program's name: "" holds the verb and the model. Those
/// that say where, and how it starts, are left out.
std::map<std::string, std::string> spelt_options(const std::vector<std::string>& words);
/// "--epochs 3, not --epochs 5", or empty where the options are the same.
std::string difference_of(const std::map<std::string, std::string>& then,
                          const std::map<std::string, std::string>& now);

/// How a run stands, by its folder.
enum class RunState {
  kNew,       ///< no folder, or an empty one
  kLeftOver,  ///< to start over: killed before it wrote a manifest, failed with other options, or of other
              ///< inputs
  kStopped,   ///< to resume: interrupted, killed or failed
  kFinished,
};
/// Throws UserError naming the first option that differs from the one the run in the folder was started with
/// (--threads and --out aside), unless that run failed.
RunState state_of(const GridRun& run);

/// The words of the whole command: `program finetune .. --out .. --threads N`, and --resume or --overwrite as
/// the state wants it.
std::vector<std::string> command_of(const GridRun& run, RunState state, const std::string& program,
                                    int threads);

}  // namespace espalier
