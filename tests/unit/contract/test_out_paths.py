"""Places of results are checked before any work."""

import pytest

from relscale.contract.out_paths import check_out_file, check_out_folder


def test_free_places_and_folders_that_are_there_are_fine(tmp_path):
    (tmp_path / "old.csv").mkdir()
    for out in (tmp_path, tmp_path / "new/deep", tmp_path / "old.csv", tmp_path / "v1.5"):
        check_out_folder(out, folders=("figures",), files=("a.csv",))
    check_out_file(tmp_path / "new/mapping.yaml", "--mapping")
    (tmp_path / "mapping.yaml").write_text("")
    check_out_file(tmp_path / "mapping.yaml", "--mapping")


@pytest.mark.parametrize("name", ["laws.csv", "laws.Parquet", "laws.jsonl"])
def test_a_folder_named_like_a_table_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="a folder is needed, and this is the name of a table"):
        check_out_folder(tmp_path / name)


def test_files_and_folders_in_the_way_are_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ValueError, match=f"--out {file}: it is a file, and a folder is needed"):
        check_out_folder(file)
    with pytest.raises(ValueError, match=f"--out {file}/a/b: {file} is a file, and a folder"):
        check_out_folder(file / "a/b")
    with pytest.raises(ValueError, match=f"--out {tmp_path}: {file} is a file, and a folder is"):
        check_out_folder(tmp_path, folders=("file",))
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(ValueError, match=f"--out {tmp_path}: {tmp_path}/table.csv is a folder"):
        check_out_folder(tmp_path, files=("table.csv",))
    with pytest.raises(ValueError, match=f"--mapping {tmp_path}: is a folder, and the name of a f"):
        check_out_file(tmp_path, "--mapping")
    with pytest.raises(ValueError, match=f"--mapping {file}/x.yaml: {file} is a file, and a fol"):
        check_out_file(file / "x.yaml", "--mapping")
