"""Files that appear whole or not at all."""

import threading

import pytest

from invis.files.atomic import replacing, write_whole


def test_a_file_is_written_and_nothing_else_stays(tmp_path):
    write_whole(tmp_path / "a.txt", "grün")
    write_whole(tmp_path / "a.txt", b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == b"\x00\xff"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_what_was_there_stays_until_the_block_ends_well(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_text("half")
        assert path.read_text() == "old"
        raise KeyboardInterrupt
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    for fails in (True, False):
        try:
            with replacing(tmp_path / "run") as part:
                (part / "deep").mkdir(parents=True)
                (part / "deep" / "a").write_text("1")
                if fails:
                    raise OSError
        except OSError:
            assert list(tmp_path.iterdir()) == []
    assert (tmp_path / "run" / "deep" / "a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_link_is_followed_and_rights_are_those_of_any_new_file(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "plain").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "a")
    write_whole(tmp_path / "link", "1")
    assert (tmp_path / "link").is_symlink()
    made = tmp_path / "real" / "a"
    assert made.read_text() == "1"
    assert made.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_readers_see_one_of_the_contents_while_two_write(tmp_path):
    path, size = tmp_path / "a", 1 << 16
    write_whole(path, b"0" * size)
    writers = [
        threading.Thread(target=lambda c=c: [write_whole(path, c * size) for _ in range(50)])
        for c in (b"1", b"2")
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        content = path.read_bytes()
        assert len(content) == size and len(set(content)) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_is_missing_or_in_the_way_is_an_os_error(tmp_path):
    (tmp_path / "folder" / "full").mkdir(parents=True)
    for path in (tmp_path / "no" / "a", tmp_path / "folder"):
        with pytest.raises(OSError):
            write_whole(path, "1")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
