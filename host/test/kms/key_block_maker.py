# SPDX-License-Identifier: Apache-2.0
"""psec (PyPI) as the hardware security module of a bank: takes jobs in JSON, answers a list of key blocks."""
import json
import sys

from psec import tr31

OPTIONAL = {"": {}, "KS": {"KS": "00604B120F9292800000"}, "long": {"LB": "A label of more than 255 letters. " * 9}}


def made(job):
    header = tr31.Header(job["version"], job["usage"], job.get("algorithm", "T"), job["mode"], "00", "E")
    for name, data in OPTIONAL[job["optional"]].items():
        header.blocks[name] = data
    return tr31.wrap(bytes.fromhex(job["protection"]), header, bytes.fromhex(job["key"]))


json.dump([made(job) for job in json.load(sys.stdin)], sys.stdout)
