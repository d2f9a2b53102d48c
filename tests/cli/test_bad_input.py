"""Bad input of every command: one sentence, exit code 2, and at once where torch is not needed."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from invis.cli import cli
from tests.cli.conftest import ENVIRONMENT, is_one_sentence

# Each line is a command; {name} stands for a file or folder of `there`.
EARLY = """
search
search --images 1 minivgg/conv2_2/0
search minivgg
search minivgg/conv2_2
search minivgg/conv2_2/
search minivgg//3
search /conv2_2/3
search minivgg/conv2_2/x
search minivgg/conv2_2/3-1
search minivgg/conv2_2/-1
search minivgg/conv2_2/²
search minivgg/conv2_2/{digits}
search minivgg/conv2_2/0-{digits}
search minivgg/conv2_2/1,,2
search minivgg@/conv2_2/3
search minivgg@a@b/conv2_2/3
search a/b/c/d
search nosuchnet/conv2_2/3
search mini_vgg/conv2_2/3
search MINIVGG/conv2_2/3
search ../minivgg/conv2_2
search minivgg/conv2_2/3 minivgg/conv2_2/4
search minivgg/conv2_2/3 --images x
search minivgg/conv2_2/3 --images 2.5
search minivgg/conv2_2/3 --images ""
search minivgg/conv2_2/3 --images {digits}
search minivgg/conv2_2/3 --images 100000000
search minivgg/conv2_2/3 --images -8
search minivgg/conv2_2/3 --alpha 2
search minivgg/conv2_2/3 --contrast -1
search minivgg/conv2_2/3 --band 9:1
search minivgg/conv2_2/3 --metric nosuch.json
sweep minivgg/conv2_2 --store out --alpha 0
search minivgg/conv2_2/3 --seed x
search minivgg/conv2_2/3 --seed -1
search minivgg/conv2_2/3 --seed 99999999999999999999
search minivgg/conv2_2/3 --activation x
search minivgg/conv2_2/3 --contrast ten
search minivgg/conv2_2/3 --objective best
search minivgg/conv2_2/3 --device gpu
search minivgg/conv2_2/3 --device cuda:x
search minivgg/conv2_2/3 --device ""
search minivgg/conv2_2/3 --weights {folder}
search minivgg/conv2_2/3 --weights {pipe}
search minivgg/conv2_2/3 --weights none:x
search minivgg/conv2_2/3 --weights nosuch.safetensors
search minivgg/conv2_2/3 --weights ../../etc/nosuch
search minivgg/conv2_2/3 --out {text}
search minivgg/conv2_2/3 --nosuch
search minivgg/conv2_2/3 --json=yes
profile
profile minivgg/conv2_2
profile nosuchnet/conv2_2/3
profile minivgg/conv2_2/3 --alpha x
profile minivgg/conv2_2/3 --alpha 0.9
profile minivgg/conv2_2/3 --alpha 0.9,1.5
profile minivgg/conv2_2/3 --apart x
profile minivgg/conv2_2/3 --images 100000000
profile minivgg/conv2_2/3 --out {text}
explain
explain nosuch.nc
explain {notnc}
explain nosuchnet/conv2_2/3
explain minivgg/conv2_2
explain minivgg/conv2_2/3 --data nosuch
explain minivgg/conv2_2/3 --seed -1
directions
directions minivgg/conv2_2
directions minivgg/conv2_2 --data nosuch
directions minivgg --data {folder}
directions minivgg/conv2_2/3 --data {folder}
directions nosuchnet/conv2_2 --data {folder}
directions minivgg/conv2_2 --data {folder} --count 0
directions minivgg/conv2_2 --data {folder} --out {folder}
show
show nosuch.nc
show {text}
show {pipe}
show {empty}
show {text} --out page.txt
show {text} --out page
show nosuch/folder
show "" --out page.html
compare
compare {text}
compare {text} {text} {text}
compare nosuch.nc nosuch.nc
compare {pipe} {text}
compare {text} {text}
compare {text} {text} --out page.png
check extra
check --nosuch
models extra
models --nosuch
units
units nosuchnet
units {digits}
units minivgg minivgg
units ../x
train
train nosuchnet --data {folder} --out out
train minivgg
train minivgg --data nosuch --out out
train minivgg --data {text} --out out
train minivgg --data {folder} --out {text}
train minivgg --data {folder} --out out --epochs 0
train minivgg --data {folder} --out out --epochs -1
train minivgg --data {folder} --out out --epochs x
train minivgg --data {folder} --out out --seed -1
train minivgg --data {folder} --out out --device tpu
evaluate
evaluate nosuchnet --data {folder}
evaluate minivgg
evaluate minivgg --data nosuch
evaluate minivgg --data {text}
evaluate minivgg --data {folder} --weights nosuch.pt
evaluate minivgg --data {folder} --device quantum
demo extra
demo --out {text}
lab --port 0
lab --port 99999
lab --port x
lab {folder} {folder}
stitch --data nosuch
stitch --data {text}
stitch --anchors 1
stitch --anchors x
stitch --anchors {digits}
stitch --anchors 100000000
stitch --choose best
stitch --task nosuch
stitch --seeds 0
stitch --seeds 100000
stitch --width 0
stitch --width 100000000
stitch --limit 0
stitch --limit -5
stitch --sweep 1
stitch --sweep x
stitch --sweep ""
stitch --plane nosuch
stitch --device abacus
trajectory
trajectory nosuch
trajectory {pipe}
trajectory {folder} {folder}
trajectory minivgg --out {text}
morph
morph nosuch.nc
morph {text}
morph {pipe}
morph nosuchnet/conv2_2/3
morph minivgg/conv2_2
morph {text} --frames 1
morph minivgg/conv2_2/3 --frames 0
morph minivgg/conv2_2/3 --frames 100000000
morph minivgg/conv2_2/3 --from x
morph minivgg/conv2_2/3 --device nosuch
exemplars
exemplars minivgg/conv2_2/3
exemplars minivgg/conv2_2/3 --data nosuch
exemplars minivgg/conv2_2/3 --data {text}
exemplars minivgg/conv2_2/3 --data {folder} --count 0
exemplars minivgg/conv2_2/3 --data {folder} --count 100000000
exemplars minivgg/conv2_2/3 --data {folder} --set nosuch.nc
exemplars minivgg/conv2_2/3 --data {folder} --set {text}
exemplars nosuchnet/conv2_2/3 --data {folder}
sweep
sweep minivgg
sweep nosuchnet/conv2_2 --store out
sweep minivgg/conv2_2 --store out --units x
sweep minivgg/conv2_2 --store out --units 3-1
sweep minivgg/conv2_2 --store out --units {digits}
sweep minivgg/conv2_2 --store out --workers 0
sweep minivgg/conv2_2 --store out --workers 100000
sweep minivgg/conv2_2 --store out --scheduler node1
sweep minivgg/conv2_2 --store out --seed -1
sweep minivgg/conv2_2 --store out --device nosuch
probe
probe nosuch.nc
probe {notnc}
probe minivgg/conv2_2
probe nosuchnet/conv2_2/3
probe minivgg/conv2_2/3 --seed -1
probe minivgg/conv2_2/3 --device nosuch
probe minivgg/conv2_2/3 --out {text}
atlas nosuch
atlas info nosuch
atlas info {text}
atlas info {folder}
atlas info {foreign}
atlas verify nosuch
atlas verify {foreign} --repair
atlas probe
atlas probe nosuch
atlas probe {folder} --device nosuch
atlas explain
atlas explain nosuch
atlas explain {foreign}
atlas explain {foreign} --device nosuch
atlas profile
atlas profile nosuch
atlas profile {foreign}
atlas profile {foreign} --device nosuch
atlas merge
atlas merge {folder}
atlas merge out nosuch
atlas merge out {text}
atlas export
atlas export nosuch --out out
atlas export --out {text}
statistics
statistics nosuch
statistics {text}
serve --port 0
serve --port 99999
serve --port x
serve --store nosuch
serve --store {text}
serve --store {foreign}
serve --runs nosuch
serve --images {text}
serve --prefix invis
serve --basic-auth secret
serve --embed example.org
serve --allow-websocket-origin "a b"
serve --nosuch
doctor extra
nosuch
--nosuch
"""
# These ask what only torch knows.
LATE = """
search minivgg/nosuch/3
search minivgg/conv2_2/99999
search minivgg/conv2_2/3 --activation 0
search minivgg/conv2_2/3 --activation 1.5
search minivgg/conv2_2/3 --activation nan
search minivgg/conv2_2/3 --contrast -1
search minivgg/conv2_2/3 --contrast inf
search minivgg/conv2_2/3 --band 9
search minivgg/conv2_2/3 --band 5:1
search minivgg/conv2_2/3 --distance nosuch
search minivgg/conv2_2/3 --weights IMAGENET1K_V9
search minivgg/conv2_2/3 --device cuda:99
search truth/nosuch/0
search minivgg/conv2_2/3 --images 90000
units minivgg@nosuch
stitch --encoders nosuch,cnn
stitch --encoders cnn
stitch --similarities nosuch
search directions/nosuch.nc/0
search directions/{notnc}/0
profile minivgg/conv2_2/3 --apart 5
explain minivgg/conv2_2/99999
directions minivgg/nosuch --data {folder}
directions minivgg/conv2_2 --data {folder} --kind nosuch
directions minivgg/conv2_2 --data {folder}
morph minivgg/conv2_2/0-3
morph {folder}
sweep minivgg/nosuch --store out
sweep minivgg/conv2_2 --store out --units 0-999
sweep minivgg/conv2_2 --store {text}
sweep minivgg/conv2_2 --store {folder}
trajectory {folder}
exemplars minivgg/conv2_2/3 --data {folder}
statistics {folder}
"""


@pytest.fixture
def there(tmp_path):
    """What commands are given by mistake."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "note").write_text("not a picture")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    for name in ("text", "not.nc"):
        (tmp_path / name).write_text("nothing that anybody asked for")
    (tmp_path / "empty").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    names = {name: str(tmp_path / name) for name in ("folder", "foreign", "text", "empty", "pipe")}
    return names | {"notnc": str(tmp_path / "not.nc"), "digits": "9" * 5000}


def commands(text, there):
    return [shlex.split(line.format(**there)) for line in text.strip().splitlines()]


def test_every_command_is_tried():
    text = EARLY + LATE
    for name, command in cli.commands.items():
        for one in [f"{name} {sub}" for sub in getattr(command, "commands", {})] or [name]:
            assert any(line.startswith(one) for line in text.splitlines()), one
    assert len(EARLY.strip().splitlines()) >= 150


RUN = """
import contextlib, io, json, sys, time
from invis.cli import main
found = []
for args in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    began = time.process_time()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(args)
        code = 0
    except SystemExit as leaving:
        code = leaving.code
    except BaseException as error:
        code, err = repr(error), io.StringIO(repr(error))
    seconds = time.process_time() - began
    found.append([args, code, out.getvalue(), err.getvalue(), seconds, "torch" in sys.modules])
json.dump(found, sys.stdout)
"""


def run(text, there, folder):
    """What each command did: one process for all, as they leave nothing behind."""
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(commands(text, there)), text=True,
        capture_output=True, env=ENVIRONMENT, cwd=folder, timeout=1200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def faults(found):
    """Commands that said anything but one sentence."""
    return [
        (args, code, out, err)
        for args, code, out, err, *_ in found
        if (code, out) != (2, "") or len(err.strip().splitlines()) != 1
        or not err.startswith("invis: ") or "Traceback" in err or len(err) > 1000
    ]  # fmt: skip


def test_it_is_told_at_once_where_torch_is_not_needed(there, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    found = run(EARLY, there, work)
    assert faults(found) == []
    assert [args for args, *_, torch in found if torch] == []
    assert [args for args, *_, seconds, _ in found if seconds > 1] == []
    assert list(work.iterdir()) == []


@pytest.mark.slow
def test_it_is_one_sentence_where_torch_must_be_asked(there, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    assert faults(run(LATE, there, work)) == []


def test_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-m", "invis", "search", "nosuchnet/conv2_2/3"]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=tmp_path)
    assert is_one_sentence(done) and "'nosuchnet' does not exist" in done.stderr
