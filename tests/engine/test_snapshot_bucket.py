"""What a control plane sends, held against a bucket that checks signatures and rights as AWS does."""

import importlib.util
from typing import Any

import pytest

from components.bootstrap.cloud_init import FILES
from tests.bucket import FOLDER, REGION, serving

NAME = "demo-v1.37.2-20261125T180000Z.etcd.cms"


@pytest.fixture(scope="module")
def program() -> Any:
    spec = importlib.util.spec_from_file_location("scheduled_snapshot", FILES / "scheduled_snapshot.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bucket():
    with serving() as bucket:
        yield bucket


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "sealed"
    path.write_bytes(bytes(range(256)) * 10_000)
    return path


def test_a_key_that_may_do_what_the_docs_say_puts_a_snapshot_there_whole(program, bucket, sealed):
    program.send(sealed, f"{bucket.url}/{NAME}", REGION, bucket.access_key, bucket.secret_key)

    assert bucket.objects() == {f"{FOLDER}/{NAME}": sealed.read_bytes()}


@pytest.mark.parametrize(
    ("place", "change", "reason"),
    [
        ("/prod/", {"secret_key": "another"}, "was refused: 403 SignatureDoesNotMatch: The request signature we"),
        ("/prod/", {"access_key": "AKIDNOBODY"}, "was refused: 403 InvalidAccessKeyId: The AWS Access Key Id you"),
        ("/other/", {}, "was refused: 403 AccessDenied: Access Denied"),
    ],
)
def test_who_may_not_put_it_there_is_told_so(program, bucket, sealed, place, change, reason):
    keys = {"access_key": bucket.access_key, "secret_key": bucket.secret_key, **change}
    before = bucket.objects()

    with pytest.raises(program.Failure) as failed:
        program.send(sealed, f"{bucket.url.replace('/prod', place)}{NAME}", REGION, **keys)

    assert reason in str(failed.value)
    assert bucket.objects() == before
