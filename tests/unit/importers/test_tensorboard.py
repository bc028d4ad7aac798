"""Format `tensorboard`: folders of event files."""

import base64

import pytest
from imported_files import record, run_facts, scalar_event, version_event

from relscale.importers.event_files import masked_crc, read_scalars
from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses

REAL = (
    "SAAAAAAAAAD+kkidCdS5OjH9wtpBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2"
    "ZW50X2ZpbGVfd3JpdGVyrYpU0SIAAAAAAAAAeBE9/QkAACBA/FTZQRBkKhUKEwoMZXZhbC9jNF9sb3NzFQAAYEDSht4c"
    "OAAAAAAAAACjeX1XCQAAYED8VNlBEKwCKioKKAoNZXZhbC9pY2VfbG9zc0IKCAESACoEAAAQQEoLCgkKB3NjYWxhcnOU"
    "TDgFJwAAAAAAAAC74bFGCQAAoED8VNlBEID4zOKEAioVChMKDGV2YWwvYzRfbG9zcxUAAEhAisIxvQ=="
)
"""A file that tensorboard 2.21 wrote: three losses, the second of which is a tensor."""
NAME = "events.out.tfevents.1700000000.host.1.0"


def write(folder, *records, name=NAME):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(version_event() + b"".join(records))
    return folder / name


def options(tmp_path, *runs, **others):
    return ImportOptions(runs=run_facts(tmp_path / "runs.csv", runs), six_nd=True, **others)


def test_a_file_of_tensorboard_itself_is_read(tmp_path):
    path = tmp_path / NAME
    path.write_bytes(base64.b64decode(REAL))
    found = read_scalars(path)
    assert [(one.tag, one.step, one.value, one.wall_time) for one in found.scalars] == [
        ("eval/c4_loss", 100, 3.5, 1700000000.5),
        ("eval/ice_loss", 300, 2.25, 1700000001.5),
        ("eval/c4_loss", 70_000_000_000, 3.125, 1700000002.5),
    ]
    assert (found.num_others, found.cut) == (0, False)


def test_each_folder_is_a_run_with_its_last_evaluation(tmp_path):
    for name, worse in (("small", 1.0), ("big/seed1", 0.0)):
        write(
            tmp_path / "logs" / name,
            scalar_event("train/loss", 5, 4.0),
            scalar_event("eval/c4_loss", 5, 3.5 + worse),
            scalar_event("eval/c4_loss", 9, 3.25 + worse),
        )
    found = import_losses(
        "tensorboard", [tmp_path / "logs"], options(tmp_path, "small", "big/seed1")
    )
    rows = found.frame[["run", "domain", "metric", "value"]].to_numpy().tolist()
    assert rows == [["big/seed1", "c4", "loss", 3.25], ["small", "c4", "loss", 4.25]]
    assert any("'train/loss'" in line for line in found.left_out)


def test_a_resumed_run_counts_what_it_logged_later(tmp_path):
    run = tmp_path / "run"
    write(run, scalar_event("eval/c4_loss", 9, 3.0, wall_time=20.0), name=f"z.{NAME}")
    write(run, scalar_event("eval/c4_loss", 9, 4.0, wall_time=10.0), name=f"{NAME}.later")
    frame = import_losses("tensorboard", [run], options(tmp_path, "run")).frame
    assert list(frame["value"]) == [3.0]


def test_the_step_may_be_tokens(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / NAME).write_bytes(base64.b64decode(REAL))
    table = run_facts(tmp_path / "runs.csv", [])
    table.write_text("run,corpus,num_params_total\nrun,c,1000000000\n")
    wanted = ImportOptions(runs=table, six_nd=True, x_is_tokens=True)
    frame = import_losses("tensorboard", [run], wanted).frame
    assert list(frame["tokens"]) == [70_000_000_000, 70_000_000_000]
    assert list(frame["value"]) == [3.125, 2.25]


def test_a_tensor_of_one_number_is_a_scalar_and_others_are_counted(tmp_path):
    # Summary.Value {tag: "eval/c4_loss", tensor {dtype: DT_FLOAT, float_val: [2.5]}}
    tensor = b"\x08\x01" + b"\x2a\x04\x00\x00\x20\x40"
    value = b"\x0a\x0ceval/c4_loss" + bytes([0x42, len(tensor)]) + tensor
    # Summary.Value {tag: "eval/c4_loss", histo {}} has the field 5.
    histogram = b"\x0a\x0ceval/c4_loss" + b"\x2a\x00"
    events = []
    for each in (value, histogram):
        summary = bytes([0x0A, len(each)]) + each
        events.append(record(b"\x10\x07" + bytes([0x2A, len(summary)]) + summary))
    path = write(tmp_path / "run", *events)
    found = read_scalars(path)
    assert [(one.tag, one.step, one.value) for one in found.scalars] == [("eval/c4_loss", 7, 2.5)]
    assert found.num_others == 1


def test_the_checksum_is_that_of_rfc_3720():
    # RFC 3720, appendix B.4: the CRC-32C of 32 bytes of zeros is 0x8a9136aa.
    rotated = ((0x8A9136AA >> 15) | (0x8A9136AA << 17)) & 0xFFFFFFFF
    assert masked_crc(bytes(32)) == (rotated + 0xA282EAD8) & 0xFFFFFFFF


def test_a_cut_last_record_is_noted_and_the_others_count(tmp_path):
    whole = scalar_event("eval/c4_loss", 5, 3.0)
    write(tmp_path / "run", whole, scalar_event("eval/c4_loss", 9, 2.0)[:-3])
    found = import_losses("tensorboard", [tmp_path / "run"], options(tmp_path, "run"))
    assert list(found.frame["value"]) == [3.0]
    assert any("the last record is incomplete" in line for line in found.decisions)


def test_a_damaged_record_is_an_error_with_its_place(tmp_path):
    path = write(tmp_path / "run", scalar_event("eval/c4_loss", 5, 3.0))
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"is damaged: wrong checksum of the record at byte 40"):
        import_losses("tensorboard", [tmp_path / "run"], options(tmp_path, "run"))


@pytest.mark.parametrize("content", [b"step,loss\n1,2\n3,4\n", b"\x80\x04\x95" + bytes(20)])
def test_another_file_is_refused_and_nothing_in_it_runs(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ValueError, match=r"tfevents.*: is not an event file of TensorBoard"):
        import_losses("tensorboard", [tmp_path / NAME], options(tmp_path, "run"))


def test_a_valid_record_that_is_no_event_is_an_error(tmp_path):
    write(tmp_path / "run", record(b"\x0b\x0c"))
    with pytest.raises(ValueError, match=r"not a readable event: wire type 3 is not known"):
        import_losses("tensorboard", [tmp_path / "run"], options(tmp_path, "run"))


def test_a_folder_without_event_files_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"no event file \(\*tfevents\*\) in this folder"):
        import_losses("tensorboard", [tmp_path], ImportOptions())
