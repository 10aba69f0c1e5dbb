"""The rules of snapshots at regular times. No machine is asked: systemd itself tells later what it makes of a time."""

import re
from collections.abc import Iterable

from components import spec
from components.bootstrap.kubeadm_args import KubeadmArgs
from components.spec import Fault

REGION = "us-east-1"

WORDS = ("minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually")
_CALENDAR = re.compile(r"(?=.*[:-])[A-Za-z0-9*:/.,~_+ -]+")
_BUCKET = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*")
_REGION = re.compile(r"[a-z0-9-]+")


def faults_of(args: KubeadmArgs) -> Iterable[Fault]:
    """What is wrong with what a stack says of snapshots at regular times."""
    if "snapshots" not in args:
        return
    if "etcd" in args:
        yield Fault("snapshots", "etcd is not the cluster's own, and its owner takes snapshots of it; drop the key")
    wanted = args["snapshots"]
    schedule, bucket, region = wanted["schedule"], wanted["bucket"], wanted.get("region", REGION)
    if schedule.isalpha() and schedule.lower() not in WORDS:
        yield Fault("snapshots.schedule", f"{schedule!r} is no such time; {spec.nearest(schedule, WORDS)}")
    elif not schedule.isalpha() and not _CALENDAR.fullmatch(schedule):
        message = f"{schedule!r} is no time of systemd's calendar; write one like hourly, or *-*-* 03:00:00 UTC"
        yield Fault("snapshots.schedule", message)
    if not _BUCKET.fullmatch(bucket):
        # Not repeated: somebody may have written a key into it.
        message = (
            "is no URL of a bucket; write one like https://s3.eu-west-1.amazonaws.com/BUCKET/FOLDER, with neither a "
            "key in it nor a / at its end"
        )
        yield Fault("snapshots.bucket", message)
    if not _REGION.fullmatch(region):
        yield Fault("snapshots.region", f"{region!r} is no region; write one like eu-west-1, or drop the key")
