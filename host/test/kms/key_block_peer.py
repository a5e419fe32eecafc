# SPDX-License-Identifier: Apache-2.0
"""psec (PyPI) as the other side of key blocks: takes a list of jobs in JSON, answers a list."""
import json
import sys

from psec import tr31


def answer(job):
    protection, key = bytes.fromhex(job["protection"]), bytes.fromhex(job["key"])
    header = tr31.Header("D", "M6", "A", "C", "07", "E")
    # An optional block, as others send them.
    header.blocks["KS"] = "00604B120F9292800000"
    opened, unwrapped = tr31.unwrap(protection, job["block"])
    fields = [opened.key_usage, opened.algorithm, opened.mode_of_use, opened.version_num, opened.exportability]
    return {"key": unwrapped.hex().upper(), "fields": fields, "block": tr31.wrap(protection, header, key)}


json.dump([answer(job) for job in json.load(sys.stdin)], sys.stdout)
