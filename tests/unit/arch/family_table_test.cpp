// Walks the table of architecture families: one without a row in the documentation, or without something that
// it is compared with, fails here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
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

/// The line of docs/formats/checkpoint.md about a model type; empty if there is none.
std::string documented_row(std::string_view model_type) {
  const std::string page = read_file(kSource / "docs/formats/checkpoint.md");
  const auto begin = page.find("\n| `" + std::string(model_type) + "` |");
  return begin == std::string::npos ? "" : page.substr(begin + 1, page.find('\n', begin + 1) - begin - 1);
}

/// Paths in the tree that a row links to, relative to the tree's root.
std::vector<std::string> links_of(const std::string& row) {
  std::vector<std::string> paths;
  const std::regex link(R"(\]\(\.\./\.\./([^)]*)\))");
  for (std::sregex_iterator found(row.begin(), row.end(), link), end; found != end; ++found) {
    paths.push_back((*found)[1]);
  }
  return paths;
}

class EveryFamily : public testing::TestWithParam<Family> {};

TEST_P(EveryFamily, HasARowInTheDocumentation) {
  EXPECT_THAT(documented_row(GetParam().model_type), testing::HasSubstr("| " + std::string(GetParam().title)))
      << "docs/formats/checkpoint.md: the table of families lacks `" << GetParam().model_type << "`";
}

TEST_P(EveryFamily, IsComparedWithSomething) {
  const std::string model_type(GetParam().model_type);
  const auto links = links_of(documented_row(model_type));
  EXPECT_FALSE(links.empty())
      << "its row in docs/formats/checkpoint.md links to no golden folder and no test";
  for (const std::string& link : links) {
    SCOPED_TRACE(link);
    const fs::path path = kSource / link;
    if (!fs::is_directory(path)) {
      ASSERT_TRUE(fs::exists(path));
      EXPECT_THAT(read_file(path), testing::HasSubstr("\"" + model_type + "\""))
          << "does not name the family";
      continue;
    }
    EXPECT_EQ(read_json(path / "config.json").at("model_type"), model_type);
    EXPECT_TRUE(fs::exists(path / "logits.safetensors"));
  }
}

INSTANTIATE_TEST_SUITE_P(Table, EveryFamily, testing::ValuesIn(families().begin(), families().end()),
                         [](const auto& family) { return std::string(family.param.model_type); });

TEST(FamiliesTable, IsAllThatIsDocumented) {
  const std::string page = read_file(kSource / "docs/formats/checkpoint.md");
  const auto begin = page.find("\n## Families\n");
  ASSERT_NE(begin, std::string::npos);
  const std::string table = page.substr(begin, page.find("\n## ", begin + 1) - begin);
  std::size_t documented = 0;
  for (std::size_t at = 0; (at = table.find("\n| `", at)) != std::string::npos; ++at) ++documented;
  EXPECT_EQ(documented, families().size() + 1);  // and the head of the table
}

}  // namespace
}  // namespace espalier
