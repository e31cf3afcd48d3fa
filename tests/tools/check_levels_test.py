"""tools/check_levels.py against small trees, good and bad."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import check_levels  # noqa: E402

README = """
| level | folder | what is in it |
|---|---|---|
| 0 | `base/` | errors |
| 2 | `text/` | tokenizers |
| 2 | `artifacts/` | values |
| 5 | `train/` | kernels |
| 8 | `eval/` `bench/` | quality, speed |
"""
GOOD = {
    "base/error.h": "#pragma once\n#include <string>\n",
    "text/words.h": '#include "base/error.h"\n',
    "text/words.cpp": '#include "text/words.h"\n',
    "artifacts/plan.h": '#include "base/error.h"\n',
    "train/ops/linear.cpp": '#include <torch/torch.h>\n#include <dnnl.hpp>\n#include "text/words.h"\n',
    "eval/score.cpp": '#include "train/ops/linear.cpp"\n',
}


def run(files, readme=README):
    """Exit code and output of the checker on a tree of these files below src/."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "src"
        for name, content in {"README.md": readme, **files}.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(content, encoding="utf-8")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = check_levels.main(["check_levels.py", folder])
        return code, output.getvalue()


class CheckLevels(unittest.TestCase):
    def assert_error(self, files, expected, readme=README):
        code, output = run({**GOOD, **files}, readme)
        self.assertEqual(code, 1, output)
        self.assertIn(expected, output)

    def test_a_good_tree_passes(self):
        code, output = run(GOOD)
        self.assertEqual(code, 0, output)
        self.assertIn("6 files, 0 errors, 0 warnings", output)

    def test_upward_include_is_named_with_its_line(self):
        self.assert_error({"base/bad.h": '#pragma once\n\n#include "text/words.h"\n'}, "src/base/bad.h:3: base/ (level 0)")

    def test_folders_of_one_level_do_not_know_each_other(self):
        self.assert_error({"text/bad.h": '#include "artifacts/plan.h"\n'}, "src/text/bad.h:1:")
        self.assert_error({"bench/bad.cpp": '  #  include "eval/score.cpp"\n'}, "src/bench/bad.cpp:1:")

    def test_tensor_headers_start_at_train(self):
        for header in ("torch/torch.h", "ATen/ATen.h", "c10/core/Device.h", "dnnl.hpp", "oneapi/dnnl/dnnl.hpp"):
            self.assert_error({"text/bad.cpp": f"#include <{header}>\n"}, "tensor header")

    def test_a_file_deep_in_a_folder_has_the_level_of_the_folder(self):
        self.assert_error({"text/deep/er/bad.cpp": '#include "train/ops/linear.cpp"\n'}, "src/text/deep/er/bad.cpp:1:")

    def test_includes_are_named_from_the_source_root(self):
        self.assert_error({"text/bad.cpp": '#include "words.h"\n'}, "name headers from src/")
        self.assert_error({"text/bad.cpp": '#include "../base/error.h"\n'}, "name headers from src/")

    def test_unknown_folders_and_files_are_errors(self):
        self.assert_error({"odd/bad.cpp": "\n"}, "odd is not a folder")
        self.assert_error({"text/bad.cpp": '#include "odd/x.h"\n'}, "odd/ is not a folder")
        self.assert_error({"text/bad.cpp": '#include "base/eror.h"\n'}, "does not exist")

    def test_a_readme_without_the_table_is_an_error(self):
        self.assert_error({}, "no table of levels", readme="nothing here\n")

    def test_long_files_are_warned_about(self):
        code, output = run({**GOOD, "text/long.cpp": "\n" * 401})
        self.assertEqual(code, 0)
        self.assertIn("src/text/long.cpp:401: warning", output)


if __name__ == "__main__":
    unittest.main()
