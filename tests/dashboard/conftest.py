"""One store for all pages, and odd things that people put into URLs."""

import pytest
import torch

from invis import data_path
from invis.dashboard.store import Store

# ruff: noqa: E501
ODD = [
    "", " ", "0", "-1", "--5", "1", "31", "99999999999999999999", "1e5", "0x1f", "NaN", "inf", "-0", "٣", "１",
    "None", "null", "undefined", "true", "false", "[]", "{}", "()", "'", '"', "`", "\\", "/", "//", "\x00",
    "..", "../", "../../etc/passwd", "..\\..\\windows", "/etc/passwd", "file:///etc/passwd", "~",
    "~root/.ssh/id_rsa", "%2e%2e%2f", "%00", "....//....//", "C:\\", "\\\\host\\share", "a" * 5000,
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)",
    "{{7*7}}", "{% raw %}", "${7*7}", "#{7*7}", "$(id)", "`id`", ";ls", "| cat", "&& ls", "\n", "\r\n",
    "' OR 1=1 --", "1; DROP TABLE units", "admin'--", "__class__", "__import__('os')", "os.system",
    "minivgg; import os", "torch.load", "model.pt", "weights.pkl", "memory://x", "s3://bucket", "http://h/",
    "conv2_2/../..", "conv2_2/31", "minivgg@none:0", "minivgg@../x", "all layers ", "ALL LAYERS",
    "trained", "untrained, seed 0 ", "index", "phase-invariant", "\u202e", "\ufeff", "🙂", "é" * 300,
    "<b>", "&lt;", "&amp;", "+", "=", "?", "&unit=3", "#", "%", "%zz", "unit=1&unit=2", "\t", "a\x1bb",
]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def store():
    return Store(str(data_path("atlas")))
