// The README's table of families is what the program's table and the golden folders say. To write it anew:
// ESPALIER_WRITE_TABLES=1 core_tests --gtest_filter='FamiliesTable.*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "arch/family.h"
#include "base/files.h"
#include "base/json.h"
#include "paths.h"

namespace espalier {
namespace arch {
/// How a failure names the family.
void PrintTo(const Family& family, std::ostream* out) {
  *out << family.model_type;
}
}  // namespace arch

namespace {

using arch::families;
using arch::Family;

namespace fs = std::filesystem;

const fs::path kSource = source_dir();
constexpr const char* kBegin = "<!-- families: tests/unit/arch/family_table_test.cpp -->\n";
constexpr const char* kEnd = "<!-- /families -->\n";
/// Families without recorded logits, and what they are held against.
const std::map<std::string, std::string> kOther{
    {"espalier_bert_moe", "its dense twin ([upcycle_test](tests/unit/train/upcycle_test.cpp))"},
    {"espalier_vmoe",
     "plain loops ([vision_spec_test](tests/unit/arch/vision_spec_test.cpp)), another layout "
     "([import_vmoe](tests/tools/import_vmoe/model/config.json))"}};
constexpr const char* kNames =
    "names written by hand ([family_names_test](tests/unit/arch/family_names_test.cpp))";

/// Golden folders by model_type: what is compared there.
std::map<std::string, std::vector<fs::path>> goldens() {
  std::map<std::string, std::vector<fs::path>> folders;
  for (const char* below : {"tests/golden", "tests/golden/families", "tests/golden/quant"})
    for (const auto& entry : fs::directory_iterator(kSource / below))
      if (fs::exists(entry.path() / "logits.safetensors"))
        folders[read_json(entry.path() / "config.json").at("model_type")].push_back(
            fs::relative(entry.path(), kSource));
  for (auto& [type, paths] : folders) std::sort(paths.begin(), paths.end());
  return folders;
}

std::string compared(const Family& family, const std::map<std::string, std::vector<fs::path>>& folders) {
  const std::string type(family.model_type);
  if (const auto other = kOther.find(type); other != kOther.end()) return other->second;
  const auto found = folders.find(type);
  if (found == folders.end()) return kNames;
  const bool pruned = fs::exists(kSource / found->second.front() / "pruned.json");
  std::string text = family.can.missing.empty() ? "logits:" : pruned ? "pruned bytes:" : "inspected:";
  for (const fs::path& path : found->second)
    text += " [" + path.filename().string() + "](" + path.string() + ")";
  return text;
}

std::string table() {
  const auto folders = goldens();
  std::string text =
      "\n| `model_type` | family | works on files | runs | formats of published weights | checked against |\n"
      "|---|---|---|---|---|---|\n";
  for (const Family& family : families()) {
    const std::string missing(family.can.missing);
    const bool whole = !family.can.keeps_all_experts.empty();
    text += "| `" + std::string(family.model_type) + "` | " + std::string(family.title) + " | " +
            (whole ? "yes, but loses no experts" : "yes") + " | " +
            (missing.empty() ? "yes" : "no: takes " + missing) + " | " + std::string(family.formats) + " | " +
            compared(family, folders) + " |\n";
  }
  return text + "\n";
}

TEST(FamiliesTable, IsThatOfTheReadme) {
  const fs::path readme = kSource / "README.md";
  std::string page = read_file(readme);
  const auto begin = page.find(kBegin), end = page.find(kEnd);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos && begin < end);
  const auto after = begin + std::string(kBegin).size();
  const std::string expected = table();
  if (std::getenv("ESPALIER_WRITE_TABLES") != nullptr)
    write_file(readme, page.replace(after, end - after, expected));
  else
    EXPECT_EQ(page.substr(after, end - after), expected) << "see the top of this file";
}

TEST(FamiliesTable, EveryRowThatNamesFoldersNamesItsOwn) {
  const std::string names = read_file(kSource / "tests/unit/arch/family_names_test.cpp");
  const auto folders = goldens();
  for (const Family& family : families()) {
    SCOPED_TRACE(family.model_type);
    const std::string type(family.model_type);
    if (!folders.contains(type) && !kOther.contains(type))
      EXPECT_NE(names.find("\"" + type + "\""), std::string::npos)
          << "has neither a golden nor a list of names";
  }
}

}  // namespace
}  // namespace espalier
