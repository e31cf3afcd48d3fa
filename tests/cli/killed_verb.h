#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/run_program.h"
#include "kill_at_call.h"
#include "paths.h"

namespace espalier {

/// A verb that is killed at one system call after the other, each time in a folder that begins as `inputs`;
/// then it is given again. Paths of the command are relative to that folder.
struct KilledVerb {
  std::filesystem::path inputs;
  std::vector<std::string> command;
  std::vector<std::string> results;  ///< files and folders, the same as of a run that nobody killed
  std::vector<std::string> resume = {
      "--resume"};  ///< what may be added where the plain command does not go on
};

namespace killed_verb {

namespace fs = std::filesystem;

/// Becomes the program, in `folder`.
inline int become_program(const fs::path& folder, std::vector<std::string> words) {
  words.insert(words.begin(), program_path());
  std::error_code ignored;
  fs::create_directory(folder / "tmp", ignored);
  if (::setenv("TMPDIR", (folder / "tmp").c_str(), 1) != 0 || ::chdir(folder.c_str()) != 0 ||
      std::freopen("/dev/null", "w", stdout) == nullptr || std::freopen("/dev/null", "w", stderr) == nullptr)
    return 126;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(arguments.front(), arguments.data());
  return 127;
}

/// File -> content, of files and of all files below folders; hidden ones aside.
inline std::map<std::string, std::string> contents(const fs::path& folder,
                                                   const std::vector<std::string>& names) {
  std::map<std::string, std::string> contents;
  for (const std::string& name : names) {
    if (fs::is_regular_file(folder / name)) contents[name] = file_content(folder / name);
    if (!fs::is_directory(folder / name)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(folder / name))
      if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.'))
        contents[entry.path().lexically_relative(folder).string()] = file_content(entry.path());
  }
  return contents;
}

/// What a folder holds, hidden files too, that is not in `other`.
inline std::vector<std::string> more_than(const fs::path& folder, const fs::path& other) {
  std::vector<std::string> more;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path name = entry.path().lexically_relative(folder);
    if (!fs::exists(other / name)) more.push_back(name.string());
  }
  return more;
}

/// Every call with ESPALIER_KILL_AT_EVERY_CALL=1 in the environment, else a dozen of them.
inline int step_between_kills(int calls) {
  const char* every = std::getenv("ESPALIER_KILL_AT_EVERY_CALL");
  return every != nullptr && *every == '1' ? 1 : std::max(1, calls / 12);
}

}  // namespace killed_verb

/// At every one of the calls the results are those of before (none), or whole, and one of the two commands
/// goes on and leaves nothing more than a run that nobody killed.
inline void expect_goes_on(const KilledVerb& verb) {
  using namespace killed_verb;
  const TemporaryFolder folder;
  const auto start = [&](const std::string& name) {
    fs::copy(verb.inputs, folder / name, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    return folder / name;
  };
  std::vector<std::string> resumed = verb.command;
  resumed.insert(resumed.end(), verb.resume.begin(), verb.resume.end());
  const fs::path whole = start("whole");
  const KilledRun all = run_killed_at(0, [&] { return become_program(whole, verb.command); });
  ASSERT_EQ(all.exit_code, 0);
  ASSERT_GT(all.calls, 0);
  const auto expected = contents(whole, verb.results);
  ASSERT_FALSE(expected.empty());
  for (int at = 1; at <= all.calls; at += step_between_kills(all.calls)) {
    SCOPED_TRACE("killed at call " + std::to_string(at) + " of " + std::to_string(all.calls));
    const fs::path place = start("at-" + std::to_string(at));
    run_killed_at(at, [&] { return become_program(place, verb.command); });
    for (const auto& [file, content] : contents(place, verb.results))
      EXPECT_EQ(content == expected.at(file), true) << file << " is there, and not whole";
    const auto again = [&](const std::vector<std::string>& words) {
      return run_killed_at(0, [&] { return become_program(place, words); }).exit_code;
    };
    const int plain = again(verb.command);
    EXPECT_TRUE(plain == 0 || again(resumed) == 0) << "neither the command nor --resume goes on";
    EXPECT_EQ(contents(place, verb.results) == expected, true) << "other results than without a kill";
    EXPECT_EQ(more_than(place, whole), std::vector<std::string>()) << "left behind";
    fs::remove_all(place);
  }
}

}  // namespace espalier
