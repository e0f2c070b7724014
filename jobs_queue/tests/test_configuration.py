"""Options in the section ``[jobs_queue]`` of the configuration file."""

import importlib.util
import os
import tempfile
from pathlib import Path

from odoo.tests import BaseCase, tagged
from odoo.tools import config

from odoo.addons.jobs_queue import configuration, texts


@tagged("post_install", "-at_install")
class TestTexts(BaseCase):
    """Options for the length of the texts that are kept."""

    def texts(self, options):
        """Return the module as a process has it whose configuration file has these options."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "odoo.conf").write_text(f"[options]\n[jobs_queue]\n{options}\n")
        self.patch(config, "options", config.options.new_child({"config": str(folder / "odoo.conf")}))
        spec = importlib.util.spec_from_file_location(texts.__name__, texts.__file__)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_f4_an_administrator_sets_how_much_is_kept_of_a_message_a_traceback_and_a_log(self):
        read = self.texts("longest_message = 20000\nlongest_traceback = 60000\nlongest_log = 2000000")
        self.assertEqual((read.MESSAGE, read.TRACEBACK, read.LOG), (20_000, 60_000, 2_000_000))
        self.assertEqual((read.ERROR, read.LOG_LINE), (16_000, 200_000), "what depends on them follows")
        self.assertTrue(19_000 < len(read.storable("x" * 30_000)) <= 20_000)

    def test_f4_without_these_lines_it_is_as_before(self):
        read = self.texts("")
        self.assertEqual((read.MESSAGE, read.ERROR, read.TRACEBACK), (5_000, 4_000, 50_000))
        self.assertEqual((read.LOG, read.LOG_LINE), (100_000, 10_000))

    def test_the_section_of_before_is_read_too_and_the_new_one_goes_first(self):
        read = self.texts("longest_message = 20000\n[connector]\nlongest_message = 30000\nlongest_log = 2000000")
        self.assertEqual((read.MESSAGE, read.LOG), (20_000, 2_000_000))

    def test_f4_what_is_no_such_number_is_refused_by_name(self):
        for value in ("many", "-1", "10", ""):
            with (
                self.subTest(value),
                self.assertRaisesRegex(ValueError, rf"longest_log = {value} is no number of 1000"),
            ):
                self.texts(f"longest_log = {value}")

    def test_of_a_line_that_cannot_be_read_the_number_is_told_and_not_the_text(self):
        with self.assertRaisesRegex(ValueError, "odoo.conf cannot be read: line 3 is neither") as caught:
            self.texts("s3cr3t")
        self.assertNotIn("s3cr3t", str(caught.exception))
        self.assertTrue(caught.exception.__suppress_context__, "the traceback does not tell it either")


@tagged("post_install", "-at_install")
class TestFile(BaseCase):
    """The file as it is now."""

    def setUp(self):
        super().setUp()
        self.file = Path(self.enterContext(tempfile.TemporaryDirectory())) / "odoo.conf"
        self.patch(config, "options", config.options.new_child({"config": str(self.file)}))

    def test_without_a_file_there_are_no_options(self):
        self.assertEqual(configuration.section(), {})

    def test_a_file_that_cannot_be_read_is_an_error_and_not_empty(self):
        self.file.mkdir()
        with self.assertRaisesRegex(ValueError, f"The configuration file {self.file} cannot be read: Is a directory"):
            configuration.section()

    def test_a_file_that_cannot_be_found_out_about_is_an_error_too(self):
        self.file.symlink_to(self.file)
        with self.assertRaisesRegex(ValueError, "cannot be read: Too many levels"):
            configuration.section()

    def test_a_change_is_seen_that_leaves_size_and_date_as_they_were(self):
        for text in ("one", "two"):
            self.file.write_text(f"[jobs_queue]\nname = {text}\n")
            os.utime(self.file, (1, 1))
            self.assertEqual(configuration.section(), {"name": text})

    def test_an_option_of_the_default_section_is_none_of_ours(self):
        self.file.write_text("[DEFAULT]\nname = x\n[jobs_queue]\nother = y\n")
        self.assertEqual(configuration.section(), {"other": "y"})
