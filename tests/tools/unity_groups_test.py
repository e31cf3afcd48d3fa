"""cmake/unity_groups.py: sources that keep the same name to themselves are never compiled together."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cmake"))
from unity_groups import groups_of, names_of  # noqa: E402


def source(definitions):
    return f"#include \"a.h\"\n\nnamespace espalier {{\nnamespace {{\n\n{definitions}\n\n}}  // namespace\n\nvoid f() {{}}\n\n}}  // namespace espalier\n"


class Names(unittest.TestCase):
    def test_of_every_kind_of_definition(self):
        cases = {
            "constexpr int kMost = 3;": {"kMost"},
            "constexpr std::int64_t D = 6, F = 4;": {"D", "F"},
            "const TheorySetting kSmall{\n    .patterns = 12};": {"kSmall"},
            "struct Part {\n  int inner = 0;\n};": {"Part"},
            "enum class Kind { kOne };\nusing Values = std::vector<int>;": {"Kind", "Values"},
            "template <class T>\nstd::vector<T> taken(int count) {\n  int local = 0;\n}": {"taken"},
            "[[noreturn]] void fail(const std::string& what) {\n}": {"fail"},
            "constexpr Verb kVerbs[] = {\n    {1},\n};": {"kVerbs"},
            "using testing::HasSubstr;\nusing namespace testing;\n// note(\nTEST(Suite, Name) {}": set(),
        }
        for definitions, names in cases.items():
            with self.subTest(definitions):
                self.assertEqual(names_of(source(definitions)), names)

    def test_what_others_may_use_is_no_matter(self):
        self.assertEqual(names_of("namespace espalier {\nvoid shared() {}\n}  // namespace espalier\n"), set())


class Groups(unittest.TestCase):
    def group(self, size, *definitions):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for number, text in enumerate(definitions):
                paths.append(pathlib.Path(folder, f"{number}.cpp"))
                paths[-1].write_text(source(text))
            return [[path.stem for path in group] for group in groups_of(paths, size)]

    def test_clashes_come_apart(self):
        one, two, three = "int one();", "int two();", "struct one {};"
        self.assertEqual(self.group(9, one, two, three, two), [["0", "1"], ["2", "3"]])

    def test_no_group_is_larger_than_asked(self):
        self.assertEqual(self.group(2, *[f"int f{i}();" for i in range(5)]), [["0", "1"], ["2", "3"], ["4"]])


if __name__ == "__main__":
    unittest.main()
