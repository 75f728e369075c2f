"""What a file is, by its first bytes."""

import gzip
import io
import tarfile
import zipfile

import pytest

from processors.errors import CheckFailed
from processors.feeding.forms import HEAD_BYTES, Form, Kind, form_of


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"", Form(Kind.LINES)),
        (b"\n \n", Form(Kind.LINES)),
        (b'{"type":"click"}\n{"type":', Form(Kind.LINES)),
        (b'{"type":"click"}', Form(Kind.LINES)),
        (b"nonsense\n", Form(Kind.LINES)),
        (b"12:00 started, all is well\n" + b'{"type":"click"}\n', Form(Kind.LINES)),
        (b"\n[\n", Form(Kind.VALUES)),
        (b'[{"type":"click"}]', Form(Kind.VALUES)),
        (b'{\n  "type": "click"\n}\n', Form(Kind.VALUES)),
        (b"{\r\n", Form(Kind.VALUES)),
        (b"clickId,url\n1,2\n", Form(Kind.TABLE, ",")),
        (b"clickId\n1\n", Form(Kind.TABLE, ",")),
        (b"\n note ; clickId \n1;2\n", Form(Kind.TABLE, ";")),
        (b"a,b\tclickId\tamount\n", Form(Kind.TABLE, "\t")),
        (b'"clickId","a|b"\n', Form(Kind.TABLE, ",")),
        (b"x|metadata.plan\n", Form(Kind.TABLE, "|")),
    ],
)
def test_forms(head: bytes, form: Form) -> None:
    assert form_of(head, whole=True) == form


def test_as_long_as_it_is_not_known_more_is_asked_for() -> None:
    assert form_of(b"", whole=False) is None
    assert form_of(b"\n\n", whole=False) is None
    assert form_of(b"{", whole=False) is None
    assert form_of(b'{"type":"cl', whole=False) is None
    assert form_of(b"clickId,ur", whole=False) is None
    assert form_of(b"[", whole=False) == Form(Kind.VALUES)
    assert form_of(b'{"a":"' + b"x" * HEAD_BYTES, whole=False) == Form(Kind.LINES)


def archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("events.jsonl"))
    return file.getvalue()


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zip_:
        zip_.writestr(name, "")
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "cause", "remedy"),
    [
        (gzip.compress(b"{}", mtime=0), "compressed with gzip twice", "zcat"),
        (b"BZh91AY&SY", "compressed with bzip2", "bzcat FILE | leadstream send -"),
        (b"\xfd7zXZ\x00", "compressed with xz", "xzcat"),
        (zipped("events.jsonl"), "a zip archive", "unzip -p"),
        (zipped("xl/workbook.xml"), "an Excel workbook", "CSV UTF-8"),
        (archive(), "a tar archive", "tar -xOf"),
        (b"PAR1\x15\x04", "a Parquet file", "COPY (FROM 'FILE')"),
        (b"Obj\x01\x04", "an Avro file", "read_avro"),
        (b"\x89PNG\r\n\x1a\n", "an image (PNG)", "JSON Lines"),
        (b"\xff\xd8\xff\xe0", "an image (JPEG)", "JSON Lines"),
        (b"%PDF-1.7", "a PDF document", "JSON Lines"),
        (b"\n<!DOCTYPE html><html>", "a web page (HTML)", "log in"),
        (b"<html lang=en>", "a web page (HTML)", "log in"),
        (b"<?xml version='1.0'?>", "XML", "JSON Lines"),
        ('{"type":1}'.encode("utf-16"), "UTF-16, by its byte-order mark", "iconv -f UTF-16 -t UTF-8"),
        ('{"type":1}'.encode("utf-16-le"), "UTF-16", "iconv"),
        ('{"type":1}'.encode("utf-32"), "UTF-32", "iconv -f UTF-32"),
        (b"\x7fELF\x00\x00", "no text", "JSON Lines"),
        (b"id,name\n1,Ann\n", "its first row names no field of an event", "type,workspaceId"),
        (b"click;acme;c1\nclick;acme;c2\n", "its first row names no field", "spelt as they are"),
    ],
)
def test_what_else_it_is_and_what_to_do(head: bytes, cause: str, remedy: str) -> None:
    with pytest.raises(CheckFailed) as told:
        form_of(head, whole=True)
    assert cause in told.value.cause
    assert remedy in told.value.remedy
